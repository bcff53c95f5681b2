"""Checks that the docstring of every public function and class has an example, and that it runs.

A method or property may have its example in its class's docstring, or in that of the class that it
inherits its contract from. Examples know `spars` and `np`,
and run in a folder of their own, with the warnings that Python shows by default as errors.
"""

import doctest
import inspect
import os
import re
import sys
import tempfile
import time
import warnings

from public_names import members, public_objects

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def docstrings():
    """Yield name, docstring and the docstring of its class, if any, of what is public."""
    for name, value in public_objects().items():
        yield name, value.__doc__ or "", ""
        for member, found in members(value).items() if inspect.isclass(value) else ():
            text = getattr(found, "__func__", found).__doc__
            # What has no docstring of its own stands among its class's attributes.
            if text:
                holders = [base for base in value.__mro__ if member in vars(base)]
                yield f"{name}.{member}", text, f"{value.__doc__}\n{holders[-1].__doc__}"


def is_shown(name, text, of_class):
    """Whether a docstring has an example, or its class's uses the name."""
    member = re.compile(rf"(\.|def ){name.rpartition('.')[2]}\b")
    lines = [line for line in of_class.splitlines() if line.strip().startswith((">>>", "..."))]
    return ">>>" in text or any(member.search(line) for line in lines)


def run(name, text):
    """Run a docstring's example in a folder of its own, and return how many of its lines failed."""
    import numpy as np

    import spars

    test = doctest.DocTestParser().get_doctest(text, {"np": np, "spars": spars}, name, None, None)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        os.chdir(folder)
        try:
            return doctest.DocTestRunner(optionflags=FLAGS).run(test).failed
        finally:
            os.chdir("/")


def main():
    """Check all, or those whose names begin with an argument."""
    import matplotlib as mpl

    mpl.use("Agg")
    wanted = tuple(sys.argv[1:]) or ("spars",)
    start, missing, failed, seen = time.monotonic(), [], 0, set()
    for name, text, of_class in docstrings():
        if not name.startswith(wanted):
            continue
        if not is_shown(name, text, of_class):
            missing.append(name)
        elif ">>>" in text and text not in seen:
            seen.add(text)
            begun = time.monotonic()
            failed += run(name, text) > 0
            if (took := time.monotonic() - begun) > 3:
                print(f"{name} took {took:.0f} s", flush=True)
    print("\n".join(f"{name}: its docstring has no example" for name in missing), file=sys.stderr)
    seconds = time.monotonic() - start
    print(f"{len(seen)} examples, {seconds:.0f} s: {failed} failed, {len(missing)} are missing")
    return 1 if failed or missing else 0


if __name__ == "__main__":
    sys.exit(main())
