"""``rehearse clean``."""

from __future__ import annotations

import argparse

from harness.labs import cleanup
from harness.verbs import elsewhere


def clean(options: argparse.Namespace) -> int:
    """Remove what interrupted runs left behind; with ``--images`` and ``--boxes`` what was built, too."""
    removed = cleanup.sweep(options.runs) + (cleanup.drop_images() if options.images else [])
    removed += cleanup.drop_boxes() if options.boxes else []
    removed += elsewhere.clean(options)
    print("\n".join(f"removed {what}" for what in removed) or "nothing was left behind")
    return 0
