"""Imported by whoever makes workers before the first one: all that a worker needs, once for all."""

import gc

# A worker runs the program's main module once more (multiprocessing's way): what
# harness.conduct.namespace_entry imports is loaded here too, so that the workers share it. Not that module
# itself, for it must run as the main one.
import cryptography.hazmat.backends.openssl.backend
import impacket.dcerpc.v5.samr

import harness.clients._smbprotocol_checks
import harness.conduct.rehearsal
import harness.labs.local
import harness.report.progress
from harness.catalogue import made_of

made_of()
# Collections would touch, and so copy, the pages that workers share.
gc.collect()
gc.freeze()

__all__ = ["cryptography", "harness", "impacket"]
