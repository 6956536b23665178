"""``python -m harness``: the command line."""

import sys

from harness.system.entry import begin

if __name__ == "__main__":
    sys.exit(begin("harness.cli.main", sys.argv[1:]))
