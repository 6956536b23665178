"""Addresses and names as sources write them, in the one form that sightings have."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

_BYTE: Final = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
"""Without zeros before it: they are octal to some, and ``ipaddress`` takes none."""
_USUAL: Final = re.compile(rf"(?:ipv4:)?({_BYTE}\.{_BYTE}\.{_BYTE}\.{_BYTE})(?::[0-9]{{1,5}})?")
_PORT: Final = re.compile(r":\d{1,5}$")
_BRACKETS: Final = re.compile(r"\[([^\[\]]*)\](?::\d{1,5})?")
_LONGEST: Final = 120
"""Characters of an address with all that may be around it."""
MOST_OF_A_NAME: Final = 255
"""Characters; DNS has no longer names."""


def address(text: str) -> str:
    """The IP address that a text is, as ``ipaddress`` writes it; "" for any other text.

    Without what is around it: ``ipv4:`` or ``ipv6:`` of Samba, brackets, a port, a zone (``%eth0``). An IPv4
    address mapped into IPv6 is written as IPv4.
    """
    if usual := _USUAL.fullmatch(text):
        return usual[1]
    if len(text) > _LONGEST:
        return ""
    return _unusual(text) if ":" in text or "." in text else ""


@lru_cache(maxsize=4096)
def _unusual(text: str) -> str:
    said = text.strip()
    known = said[:5].lower()
    if known in ("ipv4:", "ipv6:"):
        said = said[5:]
    if bracketed := _BRACKETS.fullmatch(said):
        said = bracketed.group(1)
    without = _PORT.sub("", said)
    # Samba always writes the port behind "ipv6:"; elsewhere the last group of an address looks like one.
    order = (without, said) if known == "ipv6:" else (said, without)
    for candidate in order:
        found = _parsed(candidate.partition("%")[0])
        if found is not None:
            return str(found)
    return ""


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    if len(text) > 64:
        return None
    try:
        found = ip_address(text)
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        return found.ipv4_mapped
    return found


def is_self(text: str) -> bool:
    """True for a canonical address that is the machine itself or none: loopback, unspecified."""
    if ":" not in text:
        return text.startswith("127.") or text == "0.0.0.0"
    found = _parsed(text)
    return found is not None and (found.is_loopback or found.is_unspecified)


def name(text: str) -> str:
    """A computer's name without leading backslashes; "" for what is an address or no name at all.

    It stays as it is otherwise: whoever shows it escapes it.
    """
    said = text[: 2 * MOST_OF_A_NAME].strip().lstrip("\\")[:MOST_OF_A_NAME]
    if said.lower() in ("", "-", "(null)", "null", "localhost", "unknown") or address(said):
        return ""
    return clean(said)


def clean(text: str) -> str:
    """Without halves of surrogate pairs, as JSON may escape them: nothing could print those."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
