"""Old kinds of authentication: shown by logging on with them, beside the same account with NTLMv2."""

from __future__ import annotations

from typing import Literal

from harness.exposures.base import Exposure, Subject, closed, opened, unknown
from harness.model import Sighting

NO_ACCOUNT = "no account to log on with"


class OldLogon(Exposure):
    """A kind of authentication that a server should not take."""

    safe = "it is an ordinary logon of the account that was given; the session is closed at once"

    def __init__(
        self,
        auth: Literal["LM", "NTLMv1"],
        name: str,
        title: str,
        source: str,
        permitted: dict[str, tuple[str, ...]],
    ) -> None:
        """``permitted``: the parameters of smb.conf(5) that decide, and their values that permit it."""
        self._auth = auth
        self.name = name
        self.title = title
        self.source = source
        self._permitted = permitted
        self.sends = f"a logon with the {auth} response alone, and one with NTLMv2 for comparison"
        if auth == "NTLMv1":
            self.sends = "a logon with NTLMv1 responses, and one with NTLMv2 for comparison"

    def probe(self, subject: Subject) -> Sighting:
        if not subject.account:
            return self._configured(subject, NO_ACCOUNT)
        look = subject.look
        modern = look.newest_logon
        if not modern.ok or modern.value:
            how = "makes it a guest" if modern.value else modern.text
            return self._configured(subject, f"the account does not get in with NTLMv2 either: {how}")
        said = look.logon(self._auth)
        if said.ok and said.value:
            return self._configured(subject, f"{self._auth}: made a guest, which proves no password")
        if said.ok:
            return opened(f"a logon with {self._auth}: {said.text}")
        if said.refused:
            return closed(f"a logon with {self._auth}: {said.text}; with NTLMv2: {modern.text}")
        return unknown(f"a logon with {self._auth}: {said.text}")

    def _configured(self, subject: Subject, why: str) -> Sighting:
        values = {name: subject.setting(name) for name in self._permitted}
        if any(value is None for value in values.values()):
            return unknown(why)
        text = ", ".join(f"{name} = {value}" for name, value in values.items())
        permitted = all(str(values[name]).lower() in allowed for name, allowed in self._permitted.items())
        evidence = f"{why}; the server's own configuration: {text}"
        return opened(evidence) if permitted else closed(evidence)
