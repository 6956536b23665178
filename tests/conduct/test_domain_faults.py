"""The domain controller of a server that ends in the middle of a rehearsal: a fault, and nothing is left."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from conducting import Moment, Stage, attempts, conduct
from impacket.krb5.asn1 import AS_REP, AS_REQ, EncryptedData
from pyasn1.codec.der import decoder

from harness.conduct.evidence import Keeper
from harness.conduct.workers import Pool
from harness.labs.capture import Capture
from harness.labs.domain.server import MemberServer
from harness.labs.local import LocalLab
from harness.labs.marked import rooted
from harness.learn import capture
from harness.learn.packets import Segment
from harness.learn.study import study
from harness.model import CellId, Effect, Outcome, Phase
from harness.record.evidence import PLACE, Wanted, folder_of
from harness.verbs.ending import FAULT, exit_status

pytestmark = [pytest.mark.local_lab, pytest.mark.xdist_group("domain")]

SERVER = "samba-ad-member"
CELLS = f"ntlm-off-member:{SERVER}:smbclient-kerberos,smbclient,windows-10-22h2:open-by-name"


def test_a_kdc_that_is_killed_refuses_nobody(domain_lab: LocalLab, pool: Pool, tmp_path: Path) -> None:
    """Whoever came with a ticket or by NTLM: both need the domain controller, and nobody meant it to go."""
    roots: list[Path] = []

    def kill(now: Moment) -> None:
        live = now.live
        assert isinstance(live, MemberServer)
        # The change is made and seen; its attempts are to begin.
        if (now.phase, now.times) == (Phase.APPLIED, 2):
            roots.extend((live.controller.place.root, live._root(live.state.image)))
            assert len(rooted(roots[0])) > 20
            first = live.controller.alive()
            os.kill(first.pid, signal.SIGKILL)
            first.wait(20)

    with Capture() as packets:
        keeper = Keeper(tmp_path / "run", Wanted.ALL, packets)
        result = conduct(tmp_path / "run", (CELLS,), Stage(domain_lab, kill), pool, keeper=keeper)
    for cell, phases in attempts(result).items():
        assert phases[Phase.BASELINE].outcome is Outcome.OK, cell
        for phase in (Phase.APPLIED, Phase.ROLLED_BACK):
            assert phases[phase].outcome is Outcome.FAULT, (cell, phases[phase])
        assert "the domain controller is gone (ended by signal 9" in phases[Phase.APPLIED].note, phases
    assert {cell.effect for cell in result.cells} == {Effect.FAULT}
    assert exit_status(result) == FAULT
    assert len(roots) == 2
    left = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for root in roots for pid in rooted(root)}
    assert left == {}, (roots, left)
    # What was asked of the KDC before is in the evidence, and nothing of it that could be tried offline.
    told = {cell.client: asked_of_the_kdc(tmp_path / "run", cell) for cell in attempts(result)}
    assert told.pop("smbclient") == set()
    for client, asked in told.items():
        assert {"AS-REQ KDC_ERR_PREAUTH_REQUIRED", "AS-REQ ", "TGS-REQ "} <= asked, client


def asked_of_the_kdc(folder: Path, cell: CellId) -> set[str]:
    """What a cell's packets hold of port 88, as ``learn`` reads it; nothing that is encrypted is left."""
    file = folder / PLACE / folder_of(cell) / "packets.pcapng"
    proofs = 0
    for one in capture.segments(file, capture.Notes()):
        message = one.data[4:] if isinstance(one, Segment) else one.data
        if 88 not in (one.source[1], one.target[1]) or not message:
            continue
        if message[0] == 0x6B:
            answer, _ = decoder.decode(message, asn1Spec=AS_REP())
            assert not any(bytes(answer["enc-part"]["cipher"]))
            assert not any(bytes(answer["ticket"]["enc-part"]["cipher"]))
        elif message[0] == 0x6A:
            asked, _ = decoder.decode(message, asn1Spec=AS_REQ())
            for data in asked["padata"]:
                if data["padata-type"] == 2:
                    proof, _ = decoder.decode(bytes(data["padata-value"]), asn1Spec=EncryptedData())
                    assert not any(bytes(proof["cipher"]))
                    proofs += 1
    exchanges = [one for host in study([file], ()).hosts for one in host.exchanges]
    assert bool(proofs) is bool(exchanges)
    return {f"{one.request.kind} {one.answer.error if one.answer else '-'}" for one in exchanges}
