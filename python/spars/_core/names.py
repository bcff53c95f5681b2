# Made by `make generate` from Sources/CSPARS/description: edit that instead.
"""Names in the order that the compiled core knows: choices, and numbers of records."""
