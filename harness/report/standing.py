"""The page of somebody who looks around at a cell: where everything is, and commands to paste."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence

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


def lines(
    cell: CellId,
    phase: Phase,
    *,
    lab: str,
    server: ServerFact,
    target: Target,
    client: Client,
    policy: ClientPolicy,
    evidence: Sequence[str],
    access: Mapping[str, str],
    by_hand: Sequence[str],
    smbclient: Sequence[str],
    login: str = "",
    say: Language,
) -> Iterator[str]:
    """The page, in the words of a language.

    ``by_hand``: what the client's own program is called with, in its guest where ``login`` leads there;
    ``smbclient``: what smbclient of this machine's image is called with.
    """

    def fact(title: str, told: str) -> str:
        return f"  {title}{' ' * max(1, _TITLE - cell_len(title))}{told}"

    yield say("standing.title", cell=cell, when=say(f"when.{phase}"), lab=lab)
    yield from (fact(say("standing.shown_by"), one) for one in evidence)
    mark = MARK if emulated(server.fidelity) else ""
    yield fact(say("standing.server"), f"{mark}{server.name}: {server.software}")
    where = say("standing.where", address=target.address, port=target.port, share=target.share)
    yield fact(say("standing.address"), f"{where} ($SMB_SERVER, $SMB_SHARE)")
    account = say("standing.who", user=target.user, password=target.password)
    yield fact(say("standing.account"), f"{account} ($SMB_USER, $PASSWD)")
    yield from (fact(say.known("access", what), where) for what, where in access.items())
    yield ""
    kind = f"{MARK}{client.name}" if emulated(client.fidelity) else client.name
    yield say("standing.emulated" if emulated(client.fidelity) else "standing.client", client=kind)
    checks = " | ".join(sorted(client.checks))
    yield f"  {ATTEMPT}              {say('standing.also')}: {ATTEMPT} {checks}"
    if by_hand:
        yield say("standing.in_guest" if login else "standing.by_hand")
        yield from (f"  {line}" for line in (*filter(None, [login]), *by_hand))
    if smbclient:
        yield say("standing.other_client") if client.name != SMBCLIENT else f"{SMBCLIENT}:"
        yield from (f"  {line}" for line in smbclient)
    yield say("standing.kernel")
    yield f"  {_mount(target, policy)}"
    yield ""
    yield say("standing.end", again=AGAIN)


def _mount(target: Target, policy: ClientPolicy) -> str:
    words = [f"username={target.user}", f"vers={_VERSIONS[policy.max_dialect]}"]
    words += ["sec=ntlmsspi"] * policy.require_signing + ["seal"] * policy.require_encryption
    return shlex.join(
        ["mount", "-t", "cifs", f"//{target.address}/{target.share}", "/mnt", "-o", ",".join(words)]
    )


def checks_by_hand(check: Check) -> Check:
    """What somebody can do who has no connection from before the change."""
    return FROM_NOW_ON.get(check, check)
