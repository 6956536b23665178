"""Runs in the image: samba-tool(8) without the access control list of sysvol.

That one needs POSIX access control lists, and files that are given to groups which an ordinary user's lab
does not have (measured: it ends in a panic, "Security context active token stack underflow").
"""

import sys
from typing import Any

import samba.provision
from samba.netcmd.main import samba_tool


def no_list(*_words: Any, **_named: Any) -> None:
    """In the place of the function that sets it."""


samba.provision.setsysvolacl = no_list
sys.exit(samba_tool(*sys.argv[1:]))
