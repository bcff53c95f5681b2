"""Looks at reports in headless Chromium: light, dark, on a phone, printed; tries the scroller.

    python scripts/look_at_pages.py --output pictures              # a phantom's report
    python scripts/look_at_pages.py report.html --output pictures

Writes the pictures, for eyes, and ends with 1 where what can be checked does not hold: a page asks
the network for nothing and its scripts raise nothing, it is no wider than a phone, it prints on
five sheets at most, and the scroller moves by keys, mouse and touch.

It needs playwright (pip) and a Chromium, which pip does not bring: one on the path
(``apt-get install chromium``), else playwright's own (``playwright install chromium``).
"""

import argparse
import contextlib
import re
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

#: Of each look: the viewport and the colour scheme.
LOOKS = {
    "light": ((1280, 900), "light"),
    "dark": ((1280, 900), "dark"),
    "phone": ((400, 800), "light"),
    "phone-dark": ((400, 800), "dark"),
}
MOST_SHEETS = 5


@contextlib.contextmanager
def browser():
    """Yield a Chromium without a window."""
    installed = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        # As root, as in a container, its sandbox does not start.
        started = playwright.chromium.launch(executable_path=installed, args=["--no-sandbox"])
        try:
            yield started
        finally:
            started.close()


@contextlib.contextmanager
def opened(chromium, path, look):
    """Yield a page as it looks without a network, and the list of what goes wrong in it."""
    (width, height), scheme = LOOKS[look]
    context = chromium.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, offline=True,
        has_touch=look.startswith("phone"),
    )  # fmt: skip
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(f"a script raised: {error}"))
    page.on("requestfailed", lambda request: errors.append(f"asked for {request.url[:80]}"))
    page.goto(path.absolute().as_uri())
    page.wait_for_load_state("networkidle")
    yield page, errors
    context.close()


def scroller_problems(page, has_touch):
    """Yield what does not move the scroller's place."""
    if not page.locator("#scroller-view").count():
        return
    page.wait_for_selector("#scroller-view:not([hidden])")
    told = page.locator("#scroller-view output")
    slider = page.locator("#scroller-view input[type=range]").first
    canvas = page.locator("#scroller-view canvas").first
    canvas.scroll_into_view_if_needed()
    place = {"position": {"x": 40, "y": 50}}

    def wheel():
        canvas.click(**place)
        page.mouse.wheel(0, 100)
        page.wait_for_timeout(100)

    moves = {
        "arrow keys": lambda: slider.press("ArrowRight"),
        "a click": lambda: canvas.click(**place),
        "the wheel": wheel,
        "page keys": lambda: slider.press("PageDown"),
    }
    if has_touch:
        moves = {"a tap": lambda: canvas.tap(**place)}
    for name, move in moves.items():
        before = told.text_content()
        move()
        if told.text_content() == before:
            yield f"{name} moved nothing"


def look_at(chromium, path, output):
    """Write a page's pictures; return what is wrong with it."""
    problems = []
    for look in LOOKS:
        with opened(chromium, path, look) as (page, errors):
            page.screenshot(path=output / f"{path.stem}-{look}.png", full_page=True)
            wide = page.evaluate("document.documentElement.scrollWidth") - LOOKS[look][0][0]
            if wide > 0:
                errors.append(f"{wide} pixels wider than the screen")
            errors += scroller_problems(page, look.startswith("phone"))
            problems += [f"{path}, {look}: {error}" for error in errors]
    with opened(chromium, path, "light") as (page, _):
        printed = page.pdf(path=output / f"{path.stem}.pdf", prefer_css_page_size=True)
    sheets = len(re.findall(rb"/Type\s*/Page\b", printed))
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB, {sheets} sheets")
    if sheets > MOST_SHEETS:
        problems.append(f"{path}: {sheets} sheets, at most {MOST_SHEETS}")
    return problems


def phantom_report(path):
    """Write the report of a phantom: self-play with a reference, and a made-up training."""
    import numpy as np

    import spars
    from spars.classifier.training.history import History

    made = spars.phantom(seed=11, shape=(96, 96, 72), has_tumour=True)
    found = spars.segment(
        made.volume, lambda crops: 0.5 + 0.4 * np.tanh((60 - crops.mean(axis=(1, 2, 3))) / 40),
        method="self_play", iterations=40, window=(14, 14, 12), grid=None, region=made.liver,
        isolated=True, termination_threshold=1.0, segmentation_threshold=0.55,
        reference=made.tumour,
    )  # fmt: skip
    measured = {"loss": 0.6, "sensitivity": 0.7, "specificity": 0.6, "roc_auc": 0.7}
    epochs = [
        {"epoch": n, "loss": 0.7 / n, "learning_rate": 1e-3, "validation": measured}
        for n in range(1, 12)
    ]
    spars.report.write_report(
        path, found, title="A phantom", reference=made.tumour, history=History(epochs=epochs),
        coverage={"self-play": found.run.coverage()},
    )  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pages", nargs="*", type=Path, help="reports; a phantom's if none is given")
    parser.add_argument("--output", type=Path, default=Path("pictures"))
    arguments = parser.parse_args()
    arguments.output.mkdir(exist_ok=True, parents=True)
    if not arguments.pages:
        arguments.pages = [arguments.output / "phantom.html"]
        phantom_report(arguments.pages[0])
    problems = []
    with browser() as chromium:
        for page in arguments.pages:
            problems += look_at(chromium, page, arguments.output)
    print("\n".join(problems) or f"The pages hold; look at {arguments.output}.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
