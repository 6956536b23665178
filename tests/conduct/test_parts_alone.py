"""Which part of a combination takes a client away is measured: each part alone, for what is lost alone."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from conducting import Moment, Stage, Tripwire, conduct
from known import CATALOGUE

from harness.conduct import phases as phase_code
from harness.conduct.parts_alone import ON_MACHINES
from harness.conduct.workers import Order, Pool
from harness.labs.local import LocalLab
from harness.model import CellId, Effect
from harness.record import journal
from harness.record.judging import incomplete
from harness.result import CellResult
from harness.servers.base import Server

pytestmark = pytest.mark.local_lab

LOST, KEPT = Effect.LOST, Effect.KEPT
CIPHERS = "aes256-only+encryption-required"
OLD = "smb1-client-off+nt-pipe-support-off"


class Watched:
    """What was ordered by client, and the parts that were made; all is real."""

    def __init__(self, lab: LocalLab, pool: Pool) -> None:
        self.orders: Counter[str] = Counter()
        self.alone: list[str] = []
        self.stage = Stage(lab, self._enter)
        self.pool = Tripwire(pool, self._ordered)

    def _enter(self, now: Moment) -> None:
        if now.phase.endswith(" alone"):
            self.alone.append(now.phase.removesuffix(" alone"))

    def _ordered(self, order: Order) -> None:
        self.orders[order.client] += 1

    def conduct(self, folder: Path, *selectors: str) -> dict[CellId, CellResult]:
        result = conduct(folder, selectors, self.stage, self.pool, at_once=1)
        return {cell.cell: cell for cell in result.cells}


@pytest.fixture
def watched(lab: LocalLab, pool: Pool) -> Watched:
    return Watched(lab, pool)


def effects(cell: CellResult) -> dict[str, Effect | None]:
    return {name: part.effect for name, part in cell.parts.items()}


def test_parts_that_take_a_client_only_together(watched: Watched, tmp_path: Path) -> None:
    """The dialect is not it: the ciphers differ, and only an encrypted session needs one in common."""
    found = watched.conduct(tmp_path, f"{CIPHERS}:samba-4.22:windows-10-22h2,smbprotocol:open")
    lost = found[CellId(CIPHERS, "samba-4.22", "windows-10-22h2", "open")]
    assert lost.effect is LOST
    assert effects(lost) == {"aes256-only": KEPT, "encryption-required": KEPT}
    assert lost.cause == (
        "lost only to aes256-only and encryption-required together: the server demands encryption, and this "
        "client offers no cipher that the server allows; kept under each alone"
    )
    assert watched.orders == {"windows-10-22h2": 3 + 2, "smbprotocol": 3}, "only for what is lost"
    assert not found[CellId(CIPHERS, "samba-4.22", "smbprotocol", "open")].parts
    _goes_on_with_the_parts(tmp_path, lost.cell)


def _goes_on_with_the_parts(folder: Path, lost: CellId) -> None:
    """A run that was stopped before the parts is not finished; one of before they were measured is."""
    book = folder / "journal.jsonl"
    lines = book.read_text().splitlines(keepends=True)
    whole = [line for line in lines if '"kind":"part"' not in line]
    assert len(whole) == len(lines) - 2
    begun = '{"lab":"local","version":"1","kind":"begun","format":1%s}\n'
    for flag, those, left in (
        ("", whole, []),
        (',"parts":true', whole, [lost]),
        (',"parts":true', lines, []),
    ):
        book.write_text("".join([begun % flag, *those]))
        assert incomplete(CATALOGUE, journal.load(folder)) == left


def test_the_cause_names_the_part_that_was_measured(watched: Watched, tmp_path: Path) -> None:
    """A copier's NTLMv1, and one that asks for no signing, is not blamed on signing."""
    change, server = "ntlmv2-only+signing-required+encryption-required", "samba-4.13-smb1"
    (cell,) = watched.conduct(tmp_path, f"{change}:{server}:curl:open").values()
    assert effects(cell) == {"ntlmv2-only": LOST, "signing-required": KEPT, "encryption-required": LOST}
    assert cell.cause == (
        "lost to ntlmv2-only: the client answers with NTLMv1, which the server refuses like a wrong "
        "password; lost to encryption-required: the server demands encryption, which SMB1 does not have; "
        "kept under signing-required alone"
    )
    assert watched.alone == ["ntlmv2-only", "signing-required", "encryption-required"]


def test_where_none_does_it_alone_the_combination_is_tried_without_each(
    watched: Watched, tmp_path: Path
) -> None:
    change = f"{CIPHERS}+ntlmv2-only"
    (cell,) = watched.conduct(tmp_path, f"{change}:samba-4.22:windows-10-22h2:open").values()
    assert {name: part.without for name, part in cell.parts.items()} == {
        "aes256-only": KEPT,
        "encryption-required": KEPT,
        "ntlmv2-only": LOST,
    }
    assert "kept without aes256-only or encryption-required; lost still without ntlmv2-only" in cell.cause


def test_parts_on_the_client_and_what_is_not_tried(watched: Watched, tmp_path: Path) -> None:
    server = "sles11-like"
    found = watched.conduct(tmp_path, f"{OLD}:{server}:windows-7:browse,browse-connected,open")
    browse, held, opened = (
        found[CellId(OLD, server, "windows-7", check)] for check in ("browse", "browse-connected", "open")
    )
    assert effects(browse) == {"smb1-client-off": LOST, "nt-pipe-support-off": LOST}
    assert effects(opened) == {"smb1-client-off": LOST, "nt-pipe-support-off": KEPT}
    assert str(browse.parts["nt-pipe-support-off"].attempt.step) == "create-pipe"
    assert set(effects(held).values()) == {None}
    assert (
        "under smb1-client-off and nt-pipe-support-off alone: not measured (this connection was open before "
        "the change)"
    ) in held.cause


def test_what_the_run_has_measured_already_is_not_made_again(watched: Watched, tmp_path: Path) -> None:
    changes = f"{OLD.replace('+', ',')},{OLD}"
    found = watched.conduct(tmp_path, f"{changes}:sles11-like:windows-7:open")
    cell = found[CellId(OLD, "sles11-like", "windows-7", "open")]
    assert effects(cell) == {"smb1-client-off": LOST, "nt-pipe-support-off": KEPT}
    assert watched.alone == []
    # One running server does for all three, and what was before any of them is measured once.
    assert watched.orders["windows-7"] == 1 + 3 * 2


def test_a_server_that_dies_meanwhile_leaves_it_open_which_part(
    watched: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It is shown to be healthy once more, as where nobody was served for a second.
    monkeypatch.setattr(phase_code, "SOON", -1.0)

    def enter(now: Moment) -> None:
        if now.phase == "nt-pipe-support-off alone":
            os.kill(now.live.software().pid, signal.SIGKILL)

    watched.stage.enter = enter
    (cell,) = watched.conduct(tmp_path, f"{OLD}:sles11-like:windows-7:open").values()
    assert cell.effect is LOST
    assert cell.restored
    assert effects(cell) == {"smb1-client-off": LOST, "nt-pipe-support-off": None}
    assert "under nt-pipe-support-off alone: not measured (smbd" in cell.cause


class Machines(Stage):
    """A lab that says of its servers that they are virtual machines."""

    def waves(self, servers: Sequence[Server]) -> Mapping[str, int]:
        return {server.name: 0 for server in servers}

    def interrupt(self) -> None:
        """Nothing waits for one."""


def test_in_virtual_machines_no_part_is_made_and_it_is_said(watched: Watched, tmp_path: Path) -> None:
    watched.stage = Machines(watched.stage.lab, watched.stage.enter)
    (cell,) = watched.conduct(tmp_path, f"{OLD}:sles11-like:windows-7:open").values()
    assert cell.effect is LOST
    assert set(effects(cell).values()) == {None}
    assert f"alone: not measured ({ON_MACHINES})" in cell.cause
    assert watched.alone == []
