"""Whose server an address may be, and what must be said before anything is sent to it.

Probes are safe, and still logons and malformed requests at a machine that somebody runs: who mistypes an
address must not look at a stranger's.
"""

from __future__ import annotations

import ipaddress
import sys
from enum import Enum

from harness.errors import UsageError

OPTION = "--i-own-this-server"


class Standing(Enum):
    """What an address tells of whose server is behind it."""

    NEAR = "near"
    """This machine, its links, or a private network: the lab's servers too."""
    ELSEWHERE = "elsewhere"
    """Neither private nor public: shared between a provider's customers, reserved, for documentation."""
    PUBLIC = "public"
    """Anybody's."""
    NOBODY = "nobody"
    """No single server's: unspecified, multicast, broadcast."""


_NEAR = tuple(
    map(
        ipaddress.ip_network,
        (
            *("127.0.0.0/8", "::1/128"),  # loopback: RFC 6890
            *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),  # RFC 1918
            "fc00::/7",  # RFC 4193
            *("169.254.0.0/16", "fe80::/10"),  # link-local: RFC 3927, RFC 4291
        ),
    )
)
"""Written out: ``is_private`` of Python's addresses means "not global", and differs between its releases."""
_BROADCAST = ipaddress.IPv4Address("255.255.255.255")


def standing(address: str) -> Standing:
    """Of a numeric address, as ``getaddrinfo`` gives it: with a zone ("fe80::1%eth0") or without.

    An IPv4 address inside an IPv6 one (RFC 4291, 2.5.5.2) counts as what it is.
    """
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if found.is_unspecified or found.is_multicast or found == _BROADCAST:
        return Standing.NOBODY
    if any(found in network for network in _NEAR):
        return Standing.NEAR
    return Standing.PUBLIC if found.is_global else Standing.ELSEWHERE


def refuse(named: str, address: str, *, owned: bool) -> None:
    """Raises UsageError for an address that cannot be asked about, or only with the option (``owned``).

    ``named`` is what the user wrote: it need not look like the address ("010.0.0.1" is 8.0.0.1).
    """
    what = address if address in named else f"{named} is {address}, which"
    where = standing(address)
    if where is Standing.NOBODY:
        raise UsageError(f"{what} is no address of one server", "expose looks at one server")
    if where is Standing.PUBLIC and not owned:
        raise UsageError(
            f"{what} is a public address: nothing was sent",
            f"if that server is yours, say so with {OPTION}",
        )
    if where is Standing.ELSEWHERE and not (owned or _terminal()):
        raise UsageError(
            f"{what} is not of a private network, and there is no terminal to ask on: nothing was sent",
            f"if that server is yours, say so with {OPTION}",
        )


def confirm(address: str, *, owned: bool) -> None:
    """Wait for a "yes" on the terminal where one is due. Raises UsageError for every other answer.

    What is public is asked about although the option was given; where nobody can be asked, that is enough.
    """
    where = standing(address)
    due = where is Standing.PUBLIC or (where is Standing.ELSEWHERE and not owned)
    if not due or (owned and not _terminal()):
        return
    kind = "a public address" if where is Standing.PUBLIC else "not of a private network"
    answer = typed(f"{address} is {kind}. Is this server yours, and shall this be sent to it? (yes/no) ")
    if answer.lower() != "yes":
        raise UsageError(f"{address}: nothing was sent, for the answer was not yes")


def typed(prompt: str) -> str:
    """A line that the user types; the prompt goes to stderr, for stdout belongs to the results."""
    sys.stderr.write(prompt)
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def _terminal() -> bool:
    """Somebody can read a question and answer it."""
    return sys.stdin.isatty() and sys.stderr.isatty()
