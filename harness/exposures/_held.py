"""Connections that stay open after NEGOTIATE, for the sessions that would offer the same again.

Measured with Samba 4.13 to 4.25: anonymous, guest, wrong and right accounts, one after the other on one
connection, get the answers that each gets on a connection of its own. What comes otherwise than by a plain
refusal is asked again on one of its own, which alone counts then.
"""

from __future__ import annotations

from harness.errors import LabFault, Refused
from harness.model import Dialect, Target
from harness.smb.control import AuthKind, connect
from harness.smb.negotiation import Chosen, Smb1Chosen
from harness.smb.prober import Connection, Negotiated
from harness.smb.status import NTLM_BLOCKED
from harness.smb.wire import Wire

_PLAIN = (
    "STATUS_LOGON_FAILURE",
    "STATUS_ACCESS_DENIED",
    "STATUS_ACCOUNT_DISABLED",
    "STATUS_NO_SUCH_USER",
    "STATUS_WRONG_PASSWORD",
    NTLM_BLOCKED,
)
"""By which an account is refused; whoever answers so is in no trouble with the connection."""
_ENCRYPTS = 0x0300


def is_plain(failure: Refused | LabFault) -> bool:
    """A refusal of the account alone."""
    return isinstance(failure, Refused) and failure.status in _PLAIN


class Held:
    """Those of one server, by the dialects that were offered on them."""

    def __init__(self, target: Target, together: bool) -> None:
        """Not ``together``: each session has a connection of its own, and none is kept."""
        self._target = target
        self._together = together
        self._open: dict[tuple[Dialect, ...], Negotiated] = {}

    def keep(self, dialects: tuple[Dialect, ...], wire: Wire, chosen: Chosen) -> None:
        """Keep a connection open on which these dialects, and every cipher, were offered."""
        if self._together:
            self._open[dialects] = Negotiated(wire, chosen)

    def keeps(self, wire: Wire) -> bool:
        """This one stays open."""
        return any(one.wire is wire for one in self._open.values())

    def has(self, dialects: tuple[Dialect, ...], *, ciphers: bool) -> bool:
        """A session fits on one that is open, which offers these dialects, and ``ciphers`` or none."""
        one = self._open.get(dialects)
        if one is None:
            return False
        if isinstance(one.chosen, Smb1Chosen):
            # SMB1 signs by connection, with the key of its first session: [MS-CIFS] 3.2.4.1.
            return one.last is None or not one.chosen.signing_offered
        # Below 3.0 no cipher is agreed on, whatever was offered.
        return ciphers or one.chosen.dialect.revision < _ENCRYPTS

    def log_on(self, dialects: tuple[Dialect, ...], auth: AuthKind) -> Connection:
        """The next session on such a connection, which ``has`` said to be there.

        Raises Refused or LabFault; after other than a plain refusal the connection is closed.
        """
        one = self._open[dialects]
        try:
            return connect(self._target, dialects=dialects, auth=auth, over=one)
        except (Refused, LabFault) as failure:
            if not is_plain(failure):
                del self._open[dialects]
                one.wire.close()
            raise

    def close(self) -> None:
        """Close them all."""
        for one in self._open.values():
            one.wire.close()
        self._open.clear()
