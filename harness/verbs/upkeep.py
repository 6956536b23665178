"""``rehearse clean`` and ``rehearse completion``."""

from __future__ import annotations

import argparse
import sys

from harness.labs import cleanup
from harness.record import pruning
from harness.system.plain import say
from harness.verbs import completion, remote_libvirt, reusing


def clean(options: argparse.Namespace) -> int:
    """Remove what interrupted runs left behind; what was built and old runs too, where that is asked for."""
    removed = cleanup.sweep(options.runs) + (cleanup.drop_images() if options.images else [])
    removed += cleanup.drop_boxes() if options.boxes else []
    removed += reusing.forget() if options.results else reusing.tidy()
    removed += remote_libvirt.clean(options)
    pruned = None
    if options.prune or options.keep is not None:
        pruned = pruning.prune(options.runs, pruning.KEEP if options.keep is None else options.keep)
        removed += [f"run {name}" for name in pruned.removed]
    for line in [f"removed {what}" for what in removed] or ["nothing was left behind"]:
        say(line, sys.stdout)
    for line in (*pruned.spared, str(pruned)) if pruned else ():
        say(line, sys.stdout)
    return 0


def complete(options: argparse.Namespace) -> int:
    """Print the script that makes a shell complete our words."""
    sys.stdout.write(completion.script(options.shell))
    return 0
