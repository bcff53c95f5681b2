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
    from spars.search.callbacks import ProgressBar

    if not sys.stderr.isatty():
        return None
    try:
        return ProgressBar(description)
    except ImportError:
        return None


def as_progress(progress, description, unit="it"):
    """Return what a `progress` parameter stands for: True is a bar, a callable itself."""
    from spars.search.callbacks import ProgressBar

    if progress is True:
        return ProgressBar(description, unit)
    return None if progress is False else progress


def shifted(progress, done, planned):
    """Return a `progress` for a part of the work that begins after `done`."""
    return lambda part, _: progress(done + part, planned)
