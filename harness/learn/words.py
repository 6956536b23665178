"""Which words of a client may be told: those that name software. Any other word may be the name of somebody.

NativeOS and NativeLanMan of SMB1 are free text, they stand right behind the names of account and domain, and
clients of old misplace all four.
"""

from __future__ import annotations

import re
from typing import Final

HIDDEN: Final = "(not told)"
"""In place of a text with a word that we do not know."""
_LONGEST: Final = 64
_VERSION: Final = re.compile(
    r"v?\d[\d.x]*((pre|rc|alpha|beta|tp)\d*)?(-(generic|amd64|debian|ubuntu|suse|developerbuild))?"
)
_BEGINNINGS: Final = """
    windows mac macos darwin unix linux freebsd netbsd openbsd solaris sunos aix hp-ux irix os/2 dos beos
    vxworks qnx android ios samba smbfs cifs lan lanman jcifs java impacket pysmb ruby_smb nmap native libdsm
    libsmb2 spincifsclient netapp ontap emc isilon visuality nq brother canon epson konica kyocera lexmark oki
    panasonic ricoh samsung sharp sonos toshiba xerox synology qnap
"""
_OTHERS: Final = """
    nt xp vista .net server storage professional workstation enterprise standard datacenter ultimate home
    business embedded web edition service pack r2 n (tm) (r) code name "longhorn" for os x version generic
    vfs client manager minolta
"""
_SYSTEMS: Final = frozenset(_BEGINNINGS.split())
"""With what such a text begins: systems, implementations, makers of devices that speak SMB1 to this day."""
_WORDS: Final = _SYSTEMS | frozenset(_OTHERS.split())


def printable(text: str) -> str:
    """Printable ASCII of bounded length: whoever made the capture chose these bytes."""
    return "".join(char if " " <= char <= "~" else "?" for char in text[:_LONGEST])


def software(text: str) -> str:
    """The text where it begins as a system does and each further word is known, else ``HIDDEN``.

    Names of computers and accounts have no spaces, so that "workstation-7" is one word, and no system.
    """
    words = printable(text).lower().split()
    known = (word in _WORDS or _VERSION.fullmatch(word) for word in words)
    return printable(text) if not words or (words[0] in _SYSTEMS and all(known)) else HIDDEN
