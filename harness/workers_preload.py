"""Imported by the fork server before it makes workers: all that a worker needs, once for all."""

import gc

# A worker runs the program's main module once more (multiprocessing's way); what that imports is loaded
# here, so that workers share it.
import harness.inside
from harness.clients import clients

clients()
# Collections would touch, and so copy, the pages that workers share.
gc.collect()
gc.freeze()

__all__ = ["harness"]
