"""What spars tells of long work to those who listen to the logger "spars", at level INFO."""

import logging

log = logging.getLogger("spars")
