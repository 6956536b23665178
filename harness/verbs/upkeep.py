"""``rehearse clean`` and ``rehearse completion``."""

from __future__ import annotations

import argparse
import sys

from harness.labs import cleanup
from harness.system.plain import say
from harness.verbs import completion, remote_libvirt


def clean(options: argparse.Namespace) -> int:
    """Remove what interrupted runs left behind; with ``--images`` and ``--boxes`` what was built, too."""
    removed = cleanup.sweep(options.runs) + (cleanup.drop_images() if options.images else [])
    removed += cleanup.drop_boxes() if options.boxes else []
    removed += remote_libvirt.clean(options)
    for line in [f"removed {what}" for what in removed] or ["nothing was left behind"]:
        say(line, sys.stdout)
    return 0


def complete(options: argparse.Namespace) -> int:
    """Print the script that makes a shell complete our words."""
    sys.stdout.write(completion.script(options.shell))
    return 0
