"""Optional packages: imported when first needed, and named with their extra when missing."""

import importlib
import sys


def require(module, extra, purpose):
    """Return the imported `module`, or raise ImportError naming the extra that brings it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise ImportError(
            f"{purpose} needs {package}. Install it with: pip install 'spars[{extra}]'"
        ) from error


def progress_bar(description):
    """Return a `progress` callable that draws a bar, or None where no bar can be shown.

    A bar needs tqdm and a terminal on standard error; logs and pipes stay clean.
    """
    if not sys.stderr.isatty():
        return None
    try:
        tqdm = importlib.import_module("tqdm").tqdm
    except ImportError:
        return None
    return _Bar(tqdm, description)


class _Bar:
    """Feeds (done, planned) reports to tqdm and closes the bar when all is done."""

    def __init__(self, tqdm, description):
        self._tqdm = tqdm
        self._description = description
        self._bar = None

    def __call__(self, done, planned):
        if self._bar is None:
            self._bar = self._tqdm(total=planned, desc=self._description, leave=True)
        self._bar.total = planned
        self._bar.update(done - self._bar.n)
        if done >= planned:
            self._bar.close()
            self._bar = None
