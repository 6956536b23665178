"""Somebody who is connected, with a file open that he writes to, while the server is changed under him."""

from __future__ import annotations

from pathlib import Path

import pytest
from conducting import Stage, conduct
from known import CATALOGUE

from harness.checks import DATA_LOST
from harness.conduct.open_file import OpenFile
from harness.conduct.workers import Pool
from harness.labs.local import LocalLab
from harness.labs.samba import SambaServer
from harness.model import Attempt, Effect, Fate, Outcome, Phase, StepName
from harness.report.connected import told
from harness.report.language import language
from harness.servers.live import How

pytestmark = pytest.mark.local_lab
SERVER = "samba-4.22-smb1"
WHO = ("windows-xp", "windows-7", "windows-10-1703", "smbprotocol")
ON, CLOSED, AGAIN, OUT = Fate.CARRIED_ON, Fate.SHARE_CLOSED, Fate.RECONNECTED, Fate.SHUT_OUT
# Measured on Samba 4.22. XP: an smbd that has read that SMB1 is off ends SMB1 connections itself.
FATES = {
    "smb3-only@sighup": (ON, ON, ON, ON),
    "smb3-only@reload": (OUT, ON, ON, ON),
    "smb3-only@close-share": (OUT, CLOSED, CLOSED, CLOSED),
    "smb3-only@restart": (OUT, OUT, AGAIN, AGAIN),
    "nt-pipe-support-off@reload": (ON, ON, ON, ON),
}


def test_what_becomes_of_them_goes_by_the_way_in_which_a_change_is_made(
    lab: LocalLab, pool: Pool, tmp_path: Path
) -> None:
    selector = f"{','.join(FATES)}:{SERVER}:{','.join(WHO)}:connected"
    result = conduct(tmp_path / "run", [selector], Stage(lab), pool)
    made: dict[tuple[str, str], dict[Phase, Attempt]] = {
        (cell.cell.mitigation, cell.cell.client): dict(cell.phases) for cell in result.cells
    }
    applied = {name: phases[Phase.APPLIED] for name, phases in made.items()}
    fates = {
        change: tuple(one.fate for who in WHO if (one := applied[change, who].stayed)) for change in FATES
    }
    assert fates == FATES
    # Shut out is lost, and the rollback brings everybody back, with all that was acknowledged.
    assert {name for name, one in applied.items() if one.outcome is not Outcome.OK} == {
        name for name, one in applied.items() if one.stayed and one.stayed.fate is OUT
    }
    for cell in result.cells:
        last = cell.phases[Phase.ROLLED_BACK].stayed
        assert cell.restored
        assert last is not None
        assert last.kept == last.acknowledged > 0
    # The hole stays open for who was there: a new connection gets something else.
    old = {name for name, one in applied.items() if one.stayed and one.stayed.outdated}
    assert old == {
        *(("smb3-only@sighup", who) for who in ("windows-xp", "windows-7")),
        ("smb3-only@reload", "windows-7"),
        ("smb3-only@close-share", "windows-7"),
    }
    pipes = [applied["nt-pipe-support-off@reload", who] for who in WHO]
    assert [one.stayed.pipe for one in pipes if one.stayed] == ["STATUS_ACCESS_DENIED"] * 4
    # Only the emulated ones connect again by themselves.
    again = {who: applied["smb3-only@restart", who].stayed for who in WHO[2:]}
    assert [one.by_itself for one in again.values() if one] == [True, False]
    assert [cell.inferred != "" for cell in result.cells if cell.cell.mitigation == "smb3-only@restart"] == [
        True,
        True,
        True,
        False,
    ]
    words = list(told(result.cells, ", ".join, language("en")))
    assert "windows-10-1703: disconnected, open files closed; the client connects again by itself" in words
    assert "smbprotocol: disconnected, open files closed; the program or its user must connect again" in words
    assert words[-1] == "no data that the server had acknowledged was lost"


@pytest.mark.parametrize("left", [None, 10])
@pytest.mark.parametrize("client", ["windows-7", "smbprotocol"])
def test_what_was_acknowledged_and_is_not_in_the_file_is_lost(
    lab: LocalLab, client: str, left: int | None
) -> None:
    """The file is cut, or gone, when he comes back after a restart; then he begins anew."""
    who = CATALOGUE.clients[client]
    with lab.serve(CATALOGUE.servers["samba-4.22"]) as live, OpenFile(who, live) as held:
        assert isinstance(live, SambaServer)
        assert held.attempt(who.policy, expect_down=False).attempt.outcome is Outcome.OK
        live.become(live.state, How.RESTART)
        (file,) = (live._home.outside / "share").glob("rehearsal-*")
        if left is None:
            file.unlink()
        else:
            file.write_bytes(file.read_bytes()[:left])
        lost = held.attempt(who.policy, expect_down=False).attempt
        assert (lost.status, lost.stayed and lost.stayed.kept) == (DATA_LOST, left or 0)
        assert lost.step is StepName.READ
        anew = held.attempt(who.policy, expect_down=False).attempt
        assert (anew.outcome, anew.stayed) == (Outcome.OK, None)


def test_who_never_got_in_has_nothing_open(lab: LocalLab, pool: Pool, tmp_path: Path) -> None:
    result = conduct(tmp_path / "run", ["smb3-only@reload:samba-4.22:windows-xp:connected"], Stage(lab), pool)
    (cell,) = result.cells
    assert cell.effect is Effect.NEVER
    assert [one.stayed for one in cell.phases.values()] == [None, None, None]
