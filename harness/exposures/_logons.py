"""Kinds of authentication that a server should not take: shown by logging on with them.

In a domain the domain controller decides of its users, whatever the server's own configuration says; it is
asked itself, too, and of a server's own accounts the server decides.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Literal

from harness.exposures.base import Exposure, Subject, closed, not_exposed, opened, unknown
from harness.model import Sighting
from harness.smb.status import NTLM_BLOCKED

if TYPE_CHECKING:
    from harness.exposures._probe_cache import ProbeCache

NO_ACCOUNT = "no account to log on with"
NO_DOMAIN = "the server is in no domain"
Looked = Callable[[Subject], "ProbeCache | Sighting"]
"""By whose eyes a logon is looked at; what is to be said where there is nobody."""


def here(subject: Subject) -> ProbeCache | Sighting:
    """The account that was given, at the server."""
    return subject.look


def outside(subject: Subject) -> Sighting:
    """What is said of a server of which no domain is known."""
    if subject.alone:
        return not_exposed(NO_DOMAIN)
    return unknown("whether it is in a domain, and where its domain controller is, is not known")


def at_controller(subject: Subject) -> ProbeCache | Sighting:
    """The domain's user, at the domain controller."""
    return subject.dc_look or outside(subject)


def own_account(subject: Subject) -> ProbeCache | Sighting:
    """A member's own account, at the member."""
    if subject.own_look is not None:
        return subject.own_look
    if subject.target.domain is not None:
        return not_exposed("a domain controller has no accounts but the domain's")
    return outside(subject)


def whose(subject: Subject, look: ProbeCache) -> str:
    """Whose logon it is and where, for evidence; "" where there is but one kind of account."""
    if look is subject.own_look:
        return " of an account of the server's own"
    if subject.target.domain is None:
        return ""
    there = look is subject.dc_look
    return f" of a user of the domain{' at the domain controller' if there else ''}"


def configured(subject: Subject, why: str, permitted: Mapping[str, Collection[str]]) -> Sighting:
    """What the server's own configuration says where nobody could log on to see; ``why`` nobody could.

    ``permitted``: the parameters of smb.conf(5) that decide, and their values that permit it. Of a domain's
    users it decides nothing.
    """
    values = {name: subject.setting(name) for name in permitted}
    if subject.target.domain is not None or any(value is None for value in values.values()):
        return unknown(why)
    text = ", ".join(f"{name} = {value}" for name, value in values.items())
    evidence = f"{why}; the server's own configuration: {text}"
    allowed = all(str(values[name]).lower() in words for name, words in permitted.items())
    return opened(evidence) if allowed else closed(evidence)


class OldLogon(Exposure):
    """A kind of authentication that a server should not take."""

    safe = "it is an ordinary logon of the account that was given; the session is closed at once"

    def __init__(
        self,
        auth: Literal["LM", "NTLMv1"],
        name: str,
        title: str,
        source: str,
        permitted: Mapping[str, Collection[str]],
        looked: Looked = here,
    ) -> None:
        """``permitted``: as in ``configured``; ``looked``: where it is tried."""
        self._auth = auth
        self.name = name
        self.title = title
        self.source = source
        self._permitted = permitted
        self._looked = looked
        self.sends = f"a logon with the {auth} response alone, and one with NTLMv2 for comparison"
        if auth == "NTLMv1":
            self.sends = "a logon with NTLMv1 responses, and one with NTLMv2 for comparison"
        if looked is at_controller:
            self.sends += ", at the domain controller"

    def probe(self, subject: Subject) -> Sighting:
        look = self._looked(subject)
        if isinstance(look, Sighting):
            return look
        if not subject.account:
            return self._configured(subject, NO_ACCOUNT)
        modern = look.newest_logon
        if modern.status != NTLM_BLOCKED and (not modern.ok or modern.value):
            how = "makes it a guest" if modern.value else modern.text
            return self._configured(subject, f"the account does not get in with NTLMv2 either: {how}")
        said = look.logon(self._auth)
        who = whose(subject, look)
        if said.ok and said.value:
            return self._configured(subject, f"{self._auth}: made a guest, which proves no password")
        if said.ok:
            return opened(f"a logon{who} with {self._auth}: {said.text}")
        if said.refused:
            return closed(f"a logon{who} with {self._auth}: {said.text}; with NTLMv2: {modern.text}")
        return unknown(f"a logon{who} with {self._auth}: {said.text}")

    def _configured(self, subject: Subject, why: str) -> Sighting:
        return configured(subject, why, self._permitted)
