"""Executes the notebooks of `examples`, and writes them with their outputs into build/examples.

They are kept as Python with cells marked by `# %%`, which jupytext and most editors open as
notebooks: a change of one reads as a change of code, and no output is stored.
"""

import sys
import tempfile
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 300


def execute(path, folder):
    """Execute a notebook in a folder of its own, and write it into `folder`."""
    notebook = jupytext.read(path)
    with tempfile.TemporaryDirectory() as work:
        client = NotebookClient(
            notebook, timeout=LONGEST, kernel_name="python3", resources={"metadata": {"path": work}}
        )
        client.execute()
    nbformat.write(notebook, folder / f"{path.stem}.ipynb")


def main():
    """Execute all, or those that the arguments name."""
    folder = ROOT / "build" / "examples"
    folder.mkdir(parents=True, exist_ok=True)
    failed = 0
    for path in sorted((ROOT / "examples").glob("*.py")):
        if sys.argv[1:] and path.stem not in sys.argv[1:]:
            continue
        start = time.monotonic()
        try:
            execute(path, folder)
        except CellExecutionError as error:
            print(error, file=sys.stderr)
            failed += 1
        print(f"--- {path.stem}: {time.monotonic() - start:.0f} s", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
