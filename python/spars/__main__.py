"""``python -m spars`` is the program `spars`."""

import sys

from spars_command import main

sys.exit(main())
