"""The vagrant lab: real machines, started by Vagrant and restored from a snapshot before each change."""

import logging

# python-vagrant warns through the log, when it is imported, that Vagrant is not installed. Our own error says
# so in one line, and only to whoever wanted it.
logging.getLogger("vagrant").setLevel(logging.ERROR)
