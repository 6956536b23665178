"""Imported by the fork server before it makes workers: every client and its library, once for all."""

from harness.clients import clients

clients()
