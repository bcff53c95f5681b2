"""``python -m spars`` is the program `spars`."""

import sys

from spars.command.cli import main

sys.exit(main())
