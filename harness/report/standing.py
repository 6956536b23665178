"""The page of somebody who looks around at a cell: where everything is, and commands to paste."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from harness.clients.base import Client
from harness.model import FROM_NOW_ON, CellId, Check, ClientPolicy, Dialect, Phase, Target
from harness.report.explain import emulated
from harness.report.labels import MARK
from harness.report.language import Language
from harness.result import ServerFact

SMBCLIENT = "smbclient"
"""The client whose program is there besides that of the cell."""
ATTEMPT, AGAIN = "rehearse-attempt", "rehearse-cell"
"""Commands in the shell: the client's attempt, and this page again."""
_TITLE = 10
"""Columns of a title."""
_VERSIONS = {
    Dialect.NT1: "1.0",
    Dialect.SMB2_02: "2.0",
    Dialect.SMB2_10: "2.1",
    Dialect.SMB3_00: "3.0",
    Dialect.SMB3_02: "3.02",
    Dialect.SMB3_11: "3.1.1",
}
"""What mount.cifs(8) calls a dialect behind vers=."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is around somebody who stands at a cell."""

    cell: CellId
    phase: Phase
    lab: str
    server: ServerFact
    target: Target
    """Where the server is, and the account that clients use."""
    client: Client
    policy: ClientPolicy
    """Of the client, in this phase."""
    evidence: Sequence[str]
    """What showed that the change is in force, or is gone."""
    access: Mapping[str, str]
    """See ``harness.servers.live.Accessible``; empty where there is nothing to look at."""


@dataclass(frozen=True, slots=True)
class ByHand:
    """Command lines to paste."""

    own: Sequence[str]
    """What the client's own program is called with, in its guest where ``login`` leads there."""
    smbclient: Sequence[str]
    """What smbclient of this machine's image is called with; empty where that is the client's own."""
    login: str = ""
    """What leads into the client's guest; "" where it has none."""


def lines(found: Surroundings, by_hand: ByHand, say: Language) -> Iterator[str]:
    """The page, in the words of a language."""

    def fact(title: str, told: str) -> str:
        return f"  {title}{' ' * max(1, _TITLE - cell_len(title))}{told}"

    yield say("standing.title", cell=found.cell, when=say(f"when.{found.phase}"), lab=found.lab)
    yield from (fact(say("standing.shown_by"), one) for one in found.evidence)
    server, target = found.server, found.target
    mark = MARK if emulated(server.fidelity) else ""
    yield fact(say("standing.server"), f"{mark}{server.name}: {server.software}")
    where = say("standing.where", address=target.address, port=target.port, share=target.share)
    yield fact(say("standing.address"), f"{where} ($SMB_SERVER, $SMB_SHARE)")
    account = say("standing.who", user=target.user, password=target.password)
    yield fact(say("standing.account"), f"{account} ($SMB_USER, $PASSWD)")
    yield from (fact(say.known("access", what), where) for what, where in found.access.items())
    yield ""
    yield from _commands(found, by_hand, say)
    yield ""
    yield say("standing.end", again=AGAIN)


def _commands(found: Surroundings, by_hand: ByHand, say: Language) -> Iterator[str]:
    """The client itself, its own program, smbclient, and the kernel's client."""
    client = found.client
    kind = f"{MARK}{client.name}" if emulated(client.fidelity) else client.name
    yield say("standing.emulated" if emulated(client.fidelity) else "standing.client", client=kind)
    checks = " | ".join(sorted(client.checks))
    yield f"  {ATTEMPT}              {say('standing.also')}: {ATTEMPT} {checks}"
    if by_hand.own:
        yield say("standing.in_guest" if by_hand.login else "standing.by_hand")
        yield from (f"  {line}" for line in (*filter(None, [by_hand.login]), *by_hand.own))
    if by_hand.smbclient:
        yield say("standing.other_client") if client.name != SMBCLIENT else f"{SMBCLIENT}:"
        yield from (f"  {line}" for line in by_hand.smbclient)
    yield say("standing.kernel")
    yield f"  {_mount(found.target, found.policy)}"


def _mount(target: Target, policy: ClientPolicy) -> str:
    words = [f"username={target.user}", f"vers={_VERSIONS[policy.max_dialect]}"]
    words += ["sec=ntlmsspi"] * policy.require_signing + ["seal"] * policy.require_encryption
    return shlex.join(
        ["mount", "-t", "cifs", f"//{target.address}/{target.share}", "/mnt", "-o", ",".join(words)]
    )


def checks_by_hand(check: Check) -> Check:
    """What somebody can do who has no connection from before the change."""
    return FROM_NOW_ON.get(check, check)
