"""Rows of a benchmark by name."""


def registry():
    """Return a dict {name: (function, repeats)} and the decorator `row(name, repeats)` for it."""
    rows = {}

    def row(name, repeats):
        def register(function):
            rows[name] = (function, repeats)
            return function

        return register

    return rows, row


def part_of(count, function):
    """Return `function`, whose time is to be multiplied by `count`: the whole would take hours."""

    def part():
        return function()

    part.parts = count
    return part
