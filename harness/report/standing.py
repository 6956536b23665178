"""The page of somebody who looks around at a cell: where everything is, and commands to paste."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence

from harness.clients.base import Client
from harness.model import FROM_NOW_ON, CellId, Check, ClientPolicy, Dialect, Phase, Target
from harness.report.explain import emulated
from harness.report.labels import MARK
from harness.result import WHEN, ServerFact

SMBCLIENT = "smbclient"
"""The client whose program is there besides that of the cell."""
ATTEMPT, AGAIN = "rehearse-attempt", "rehearse-cell"
"""Commands in the shell: the client's attempt, and this page again."""
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
) -> Iterator[str]:
    """The page.

    ``by_hand``: what the client's own program is called with, in its guest where ``login`` leads there;
    ``smbclient``: what smbclient of this machine's image is called with.
    """
    yield f"{cell}, {WHEN[phase]}, lab {lab}"
    yield from (f"  shown by  {one}" for one in evidence)
    mark = MARK if emulated(server.fidelity) else ""
    yield f"  server    {mark}{server.name}: {server.software}"
    yield f"  address   {target.address} port {target.port}, share {target.share} ($SMB_SERVER, $SMB_SHARE)"
    yield f"  account   {target.user}, password {target.password} ($SMB_USER, $PASSWD)"
    yield from (f"  {what:<9} {where}" for what, where in access.items())
    yield ""
    kind = f"{MARK}{client.name}, emulated" if emulated(client.fidelity) else client.name
    yield f"the client itself ({kind}), step by step as in a report:"
    yield f"  {ATTEMPT}              also: {ATTEMPT} {' | '.join(sorted(client.checks))}"
    if by_hand:
        yield (
            "the client's own program, by hand:" if not login else "the client's own commands, in its guest:"
        )
        yield from (f"  {line}" for line in (*filter(None, [login]), *by_hand))
    if smbclient:
        yield "smbclient, which is another client:" if client.name != SMBCLIENT else "smbclient:"
        yield from (f"  {line}" for line in smbclient)
    yield "the kernel's client; mounting needs root and its cifs module (not tried here):"
    yield f"  {_mount(target, policy)}"
    yield ""
    yield f"this page again: {AGAIN}; the end of this shell stops the server and removes everything"


def _mount(target: Target, policy: ClientPolicy) -> str:
    words = [f"username={target.user}", f"vers={_VERSIONS[policy.max_dialect]}"]
    words += ["sec=ntlmsspi"] * policy.require_signing + ["seal"] * policy.require_encryption
    return shlex.join(
        ["mount", "-t", "cifs", f"//{target.address}/{target.share}", "/mnt", "-o", ",".join(words)]
    )


def checks_by_hand(check: Check) -> Check:
    """What somebody can do who has no connection from before the change."""
    return FROM_NOW_ON.get(check, check)
