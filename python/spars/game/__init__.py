"""The window-search and exhaustion games: fields, scorers, rules, environments."""
