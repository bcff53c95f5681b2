"""In a notebook a bar is a widget that shows rate and time left, and text where there are none."""

import subprocess
import sys
import textwrap

import pytest

# What tqdm.auto asks of a kernel and of ipywidgets: tests need neither installed.
KERNEL = """
    import sys, types

    class ZMQInteractiveShell:
        config = {"IPKernelApp": {}}

    class Widget:
        def __init__(self, children=(), min=0, max=0, value=""):
            self.children, self.min, self.max, self.value = children, min, max, value
            self.bar_style = ""
            self.layout, self.style = types.SimpleNamespace(), types.SimpleNamespace()

    def module(name, **members):
        sys.modules[name] = types.ModuleType(name)
        vars(sys.modules[name]).update(members)

    shown = []
    module("ipykernel")
    module("ipykernel.zmqshell", ZMQInteractiveShell=ZMQInteractiveShell)
    module("IPython.display", display=shown.append)
    module("IPython", get_ipython=ZMQInteractiveShell, display=sys.modules["IPython.display"])
"""
WIDGETS = """
    module("ipywidgets", HTML=Widget, FloatProgress=Widget, HBox=Widget)
"""
PLAY = """
    import numpy as np
    import spars
    from spars.callbacks import ProgressBar

    scan = np.random.default_rng(0).normal(0, 1, (25, 22, 20)).astype(np.float32)
    running = []

    def look(run):
        if shown:
            running.append([part.value for part in shown[0].children])

    def play(progress):
        return spars.self_play(
            scan, lambda crops: np.full(len(crops), 0.1), iterations=4, window=(9, 8, 6),
            n_steps=8, progress=progress, callback=look,
        )
"""


def notebook(*parts):
    """Run parts of a script as a notebook's kernel would."""
    script = "\n".join(textwrap.dedent(part) for part in parts)
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("progress", ["True", 'ProgressBar("searching", mininterval=0)'])
def test_a_notebooks_bar_is_a_widget_with_rate_and_time_left(progress):
    done = notebook(
        KERNEL, WIDGETS, PLAY, f"play({progress})",
        """
        (box,) = shown
        left, bar, right = box.children
        assert (bar.value, bar.max, bar.bar_style) == (4, 4, "success"), vars(bar)
        assert "100%" in left.value, left.value
        # 4/4 [00:00&lt;00:00, 97.3it/s]
        assert "4/4" in right.value and "&lt;" in right.value, right.value
        assert "it/s" in right.value or "s/it" in right.value, right.value
        """,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "%" not in done.stderr, "the terminal's bar was drawn as well"


def test_a_notebooks_bar_moves_while_the_run_goes_on():
    done = notebook(
        KERNEL, WIDGETS, PLAY,
        """
        play(ProgressBar("searching", mininterval=0))
        counts = [values[1] for values in running]
        assert counts == sorted(counts) and counts[0] < counts[-1], counts
        assert "searching" in running[-1][0], running
        """,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_notebook_without_widgets_shows_text():
    missing = 'sys.modules["ipywidgets"] = None'
    done = notebook(KERNEL, missing, PLAY, "play(True)")
    assert done.returncode == 0, done.stderr
    assert "4/4" in done.stderr
    assert "it/s" in done.stderr
