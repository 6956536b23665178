"""Imported by whoever makes workers before the first one: all that a worker needs, once for all."""

# A worker runs the program's main module once more (multiprocessing's way): what
# harness.conduct.namespace_entry imports is loaded here too, so that the workers share it. Not that module
# itself, for it must run as the main one.
import asyncio
import http.client

import asn1crypto.parser
import cryptography.hazmat.backends.openssl.backend
import cryptography.hazmat.primitives.ciphers.aead
import cryptography.hazmat.primitives.cmac
import impacket.crypto
import impacket.dcerpc.v5.samr
import impacket.nt_errors
import impacket.smbconnection
import impacket.spnego

import harness.clients._smbprotocol_checks
import harness.conduct.rehearsal
import harness.exposures._probe_cache
import harness.labs.local
import harness.report.progress
import harness.smb.checks
import harness.smb.sink
import harness.smb.tap.relay
from harness.catalogue import made_of
from harness.system import garbage

# Asked for what is in them, for a catalogue looks for that late: four processes would each do it again.
_built_in = made_of()
for _room in (_built_in.clients, _built_in.exposures):
    len(_room)
# Searches for garbage would touch, and so copy, the pages that workers share. One before that finds nothing
# worth its time (measured: 25 ms of 165, for the same memory).
garbage.never_again()

__all__ = ["asn1crypto", "asyncio", "cryptography", "harness", "http", "impacket"]
