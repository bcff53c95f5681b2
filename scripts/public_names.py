"""The public names of spars: functions and classes that `dir(spars)` leads to; their members."""

import inspect
import sys
from pathlib import Path
from types import ModuleType

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "python"))


def public_modules():
    """Return the modules that `dir(spars)` names, by the name users write, `spars` first."""
    import spars

    found = {"spars": spars}
    for name in dir(spars):
        value = getattr(spars, name)
        # A name for more modules, such as spars.game, has nothing of its own.
        if isinstance(value, ModuleType) and hasattr(value, "__all__"):
            found[f"spars.{name}"] = value
    return found


def public_objects():
    """Return each public function and class once, by the shortest name that users write."""
    found, seen = {}, set()
    for module, holder in public_modules().items():
        for name in holder.__all__:
            value = getattr(holder, name)
            is_documented = inspect.isclass(value) or inspect.isroutine(value)
            if is_documented and id(value) not in seen:
                seen.add(id(value))
                found[f"{module}.{name}"] = value
    return found


def members(cls):
    """Return a class's public methods and properties that are spars' own."""
    found = {}
    for base in reversed(cls.__mro__):
        if base.__module__.partition(".")[0] != "spars":
            continue
        for name, value in vars(base).items():
            plain = inspect.unwrap(getattr(value, "__func__", value))
            if not name.startswith("_") and (
                inspect.isfunction(plain) or isinstance(value, property)
            ):
                found[name] = value
    return found
