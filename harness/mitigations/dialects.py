"""The dialects of a server, limited from below (SMB1 off, SMB 3 only, the word SMB3) or from above."""

from __future__ import annotations

from dataclasses import replace

from harness.mitigations._asked import negotiate_only
from harness.mitigations.base import (
    Expectation,
    Mitigation,
    NotApplicableError,
    dialect_of,
    found_by_smb1,
    is_older,
)
from harness.model import Attempt, Dialect, Finding, StepName
from harness.servers.base import Server, ServerState
from harness.servers.live import LiveServer
from harness.servers.parameters import said

_ORDER = list(Dialect)


class MinimumDialect(Mitigation):
    """``server min protocol`` raised; the maximum too where the server's was below it."""

    def __init__(
        self,
        name: str,
        title: str,
        lowest: Dialect,
        expectation: Expectation,
        word: str = "",
        means: Dialect | None = None,
    ) -> None:
        """``word`` is what smb.conf says, where that is not the name of the lowest dialect.

        ``means`` is the oldest dialect that is let through then, where that is not ``lowest``.
        """
        self.name = name
        self.title = title
        self.lowest = lowest
        self.word = word or lowest.in_smb_conf
        self.expectation = expectation
        self.means = means or lowest
        self.at = frozenset({StepName.NEGOTIATE, StepName.DISCOVER})
        smb2 = _ORDER.index(lowest) > _ORDER.index(Dialect.SMB2_10)
        self.aims = ("smb1-spoken", "smb2-spoken") if smb2 else ("ms17-010", "smb1-spoken")

    def on_server(self, state: ServerState, server: Server) -> ServerState:
        if _ORDER.index(server.highest) < _ORDER.index(self.lowest):
            what = server.emulates or server.name
            raise NotApplicableError(f"{what} speaks at most SMB {server.highest}")
        settings = {"server_min_protocol": self.word}
        newest = said(state.conf.globals, "server max protocol")
        if newest is not None and newest.value == "nt1":
            settings["server_max_protocol"] = server.highest.in_smb_conf
        return replace(state, conf=state.conf.with_globals(**settings))

    def stops(self, seen: Attempt) -> str:
        dialect = dialect_of(seen)
        if dialect is None or not is_older(seen, self.means):
            return ""
        if found_by_smb1(seen):
            return (
                "the list of servers for Network is given over SMB1 alone, which the server accepts no more, "
                "and nothing answers WS-Discovery in its place"
            )
        least = self.means.in_words
        if self.means is not self.lowest:
            least = f"what smb.conf calls {self.word}, which is {least}"
        return f"the server accepts nothing older than {least}; this client offers at most {dialect.in_words}"

    def verify(self, live: LiveServer) -> Finding:
        older = tuple(_ORDER[: _ORDER.index(self.lowest)])
        old = negotiate_only(live.target, older)
        new = negotiate_only(live.target, tuple(_ORDER[_ORDER.index(self.lowest) :]))
        return Finding(
            old.dialect is None and new.dialect is not None,
            f"offered {older[0]} to {older[-1]}: {old.dialect or old.status}; "
            f"offered {self.lowest} and newer: {new.dialect or new.status}",
        )


class MaximumDialect(Mitigation):
    """``server max protocol`` lowered: no hardening, but network disks are set so."""

    foretold = False

    def __init__(self, name: str, title: str, newest: Dialect, expectation: Expectation) -> None:
        self.name = name
        self.title = title
        self.newest = newest
        self.expectation = expectation

    def cause(self, before: Attempt, refused: Attempt) -> str:
        """What else a client offers does not show before the change: the refusal decides."""
        if refused.step is not StepName.NEGOTIATE:
            return ""
        newest = self.newest.in_words
        return f"the server speaks nothing newer than {newest}; this client offers only newer dialects"

    def on_server(self, state: ServerState, server: Server) -> ServerState:
        if _ORDER.index(server.highest) <= _ORDER.index(self.newest):
            what = server.emulates or server.name
            raise NotApplicableError(f"{what} speaks at most SMB {server.highest}")
        return replace(state, conf=state.conf.with_globals(server_max_protocol=self.newest.in_smb_conf))

    def verify(self, live: LiveServer) -> Finding:
        newer = tuple(_ORDER[_ORDER.index(self.newest) + 1 :])
        new = negotiate_only(live.target, newer)
        top = negotiate_only(live.target, (self.newest,))
        return Finding(
            new.dialect is None and top.dialect is self.newest,
            f"offered {newer[0]} to {newer[-1]}: {new.dialect or new.status}; "
            f"offered {self.newest}: {top.dialect or top.status}",
        )


MITIGATIONS = (
    MinimumDialect(
        "smb1-server-off",
        "SMB1 switched off on the server (server min protocol = SMB2_02)",
        Dialect.SMB2_02,
        Expectation(
            "clients that speak only SMB1 are refused at NEGOTIATE; all others stay",
            "smb.conf(5), server min protocol; [MS-SMB2] 3.3.5.3",
        ),
    ),
    MinimumDialect(
        "smb21-minimum",
        "SMB 2.1 or newer (server min protocol = SMB2_10)",
        Dialect.SMB2_10,
        Expectation(
            "clients that speak nothing newer than SMB 2.0.2 (Windows Vista, some printers) are refused at "
            "NEGOTIATE",
            "smb.conf(5), server min protocol: SMB2_02 is Windows Vista, SMB2_10 is Windows 7",
        ),
    ),
    MinimumDialect(
        "smb3-only",
        "SMB 3 only (server min protocol = SMB3_00)",
        Dialect.SMB3_00,
        Expectation(
            "clients older than Windows 8 are refused at NEGOTIATE",
            "smb.conf(5), server min protocol: SMB2_10 is Windows 7, SMB3_00 is Windows 8",
        ),
    ),
    MinimumDialect(
        "smb311-only",
        "SMB 3.1.1 only (server min protocol = SMB3_11)",
        Dialect.SMB3_11,
        Expectation(
            "clients older than Windows 10 are refused at NEGOTIATE",
            "smb.conf(5), server min protocol: SMB3_11 is Windows 10",
        ),
    ),
    MinimumDialect(
        "smb3-alias",
        "the word SMB3 (server min protocol = SMB3), which names one dialect and not all of SMB 3",
        # In force when nothing older than SMB 3 is accepted; which SMB 3 it means, the clients show.
        Dialect.SMB3_00,
        Expectation(
            "clients older than Windows 10 are refused at NEGOTIATE, those with SMB 3.0 and 3.0.2 too",
            "smb.conf(5), server max protocol: SMB3 by default selects the SMB3_11 variant",
        ),
        word="SMB3",
        means=Dialect.SMB3_11,
    ),
    MaximumDialect(
        "smb202-maximum",
        "nothing newer than SMB 2.0.2 (server max protocol = SMB2_02)",
        Dialect.SMB2_02,
        Expectation(
            "clients that offer only SMB 2.1 and newer (Linux since 4.14) are refused at NEGOTIATE; Windows "
            "still offers 2.0.2 and stays",
            "smb.conf(5), server max protocol; mount.cifs(8), vers",
        ),
    ),
    MaximumDialect(
        "smb302-maximum",
        "nothing newer than SMB 3.0.2 (server max protocol = SMB3_02)",
        Dialect.SMB3_02,
        Expectation(
            "clients that offer only SMB 3.1.1 are refused at NEGOTIATE",
            "smb.conf(5), server max protocol",
        ),
    ),
)
