"""``python -m harness``: the command line."""

import sys

from harness.entry import begin

if __name__ == "__main__":
    sys.exit(begin("harness.cli", sys.argv[1:]))
