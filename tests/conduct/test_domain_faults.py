"""The domain controller of a server that ends in the middle of a rehearsal: a fault, and nothing is left."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from conducting import Moment, Stage, attempts, conduct

from harness.conduct.workers import Pool
from harness.labs.domain.server import MemberServer
from harness.labs.local import LocalLab
from harness.labs.marked import rooted
from harness.model import Effect, Outcome, Phase
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

    result = conduct(tmp_path / "run", (CELLS,), Stage(domain_lab, kill), pool)
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
