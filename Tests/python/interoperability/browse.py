"""Looks at pages in headless Chromium: pictures in light, dark, on a phone, and a print.

    python Tests/python/interoperability/browse.py report.html --output pictures

It needs playwright (pip) and a Chromium: playwright's own (``playwright install chromium``), or one
that is installed (``apt-get install chromium``), which is found on the path.
"""

import argparse
import contextlib
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

#: Of each look: the viewport and the colour scheme.
LOOKS = {
    "light": ((1280, 900), "light"),
    "dark": ((1280, 900), "dark"),
    "phone": ((400, 800), "light"),
    "phone-dark": ((400, 800), "dark"),
}


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
def opened(chromium, page, look="light"):
    """Yield a page as it looks, with what its script or the network went wrong in as `.errors`."""
    (width, height), scheme = LOOKS[look]
    context = chromium.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, offline=True,
        has_touch=look.startswith("phone"),
    )  # fmt: skip
    shown = context.new_page()
    shown.errors = []
    shown.on("pageerror", lambda error: shown.errors.append(str(error)))
    shown.on("requestfailed", lambda request: shown.errors.append(request.url[:80]))
    shown.goto(Path(page).absolute().as_uri())
    shown.wait_for_load_state("networkidle")
    yield shown
    context.close()


def pages_of(pdf):
    """Return the number of pages of a PDF that Chromium printed."""
    return pdf.count(b"/Type /Page\n") or pdf.count(b"/Type /Page ")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--output", type=Path, default=Path("pictures"))
    arguments = parser.parse_args()
    arguments.output.mkdir(exist_ok=True, parents=True)
    with browser() as chromium:
        for page in arguments.pages:
            for look in LOOKS:
                with opened(chromium, page, look) as shown:
                    path = arguments.output / f"{page.stem}-{look}.png"
                    shown.screenshot(path=path, full_page=True)
                    print(path, *shown.errors)
            with opened(chromium, page) as shown:
                path = arguments.output / f"{page.stem}.pdf"
                print(path, pages_of(shown.pdf(path=path, prefer_css_page_size=True)), "pages")


if __name__ == "__main__":
    main()
