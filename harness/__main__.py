"""``python -m harness``, and the installed command ``rehearse``: the command line."""

import signal
import sys

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # Until ``begin`` answers it: else Ctrl-C shows which of its modules Python was just loading.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from harness.system.entry import begin
from harness.system.entry import command as command

if __name__ == "__main__":
    sys.exit(begin("harness.cli.main", sys.argv[1:]))
