"""The program `spars`: what the package cannot say, since importing `spars` comes before it."""

from __future__ import annotations

import sys


def main() -> int:
    """Run `spars.command.cli.main`; say a refused environment, or Ctrl-C before it, in one line."""
    try:
        from spars.command.cli import main as run

        return run()
    except KeyboardInterrupt:
        print("spars: interrupted", file=sys.stderr)
        return 130
    except ValueError as error:
        # Importing spars refuses SPARS_CPU and SPARS_NUM_THREADS with such a sentence.
        if not str(error).startswith("The 'SPARS_"):
            raise
        print(f"spars: error: {error}", file=sys.stderr)
        return 1
