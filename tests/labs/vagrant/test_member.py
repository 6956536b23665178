"""A member of the domain in a guest, and the Linux kernel's own SMB client with a Kerberos ticket.

Slow: two guests start. ./test --vagrant runs it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import commandline
import pytest
from processes import machines_below
from world import need_machines

from harness.learn import capture
from harness.learn.packets import Segment
from harness.smb.kerberos.names import KERBEROS
from harness.smb.tap import auth
from harness.system.process import run

pytestmark = [pytest.mark.vagrant, pytest.mark.local_lab]

CHANGE = "ntlm-off-domain+rc4-off"
SERVER = "samba-ad-member-4.17"
TICKET, PASSWORD = "linux-cifs-kernel-kerberos", "linux-cifs-kernel-default"
RC4_ONLY = f"{TICKET}-as-rc4-only"
MINUTES = 25.0


@pytest.fixture(autouse=True)
def _ready() -> None:
    need_machines("bookworm")


def test_the_kernels_client_comes_to_a_member_by_name_with_a_ticket(tmp_path: Path) -> None:
    """One test, for two guests start: what is asked of the run is named by each function below."""
    cells = f"{CHANGE}:{SERVER}:{TICKET}:open,open-by-address"
    words = ("--lab", "vagrant", "--no-exposures", "--evidence", "all", "--runs", tmp_path, "--json")
    also = f"{CHANGE}:{SERVER}:{PASSWORD},{RC4_ONLY}:open"
    done = run(
        [*commandline.REHEARSE, "run", cells, also, *words], timeout=MINUTES * 60, env=commandline.users()
    )
    assert done.status in (0, 1), done.stderr[-2000:]
    found = json.loads(done.stdout)
    of = {(cell["client"], cell["check"]): cell for cell in found["cells"]}
    with_a_ticket_by_name_it_stays(of[TICKET, "open"])
    by_address_there_is_no_ticket(of[TICKET, "open-by-address"])
    with_a_password_it_is_locked_out(of[PASSWORD, "open"])
    without_an_aes_key_there_is_no_ticket(of[RC4_ONLY, "open"])
    on_the_wire_it_was_kerberos(tmp_path / found["run"], of[TICKET, "open"])
    assert "cifs.ko" in found["clients"][TICKET]["software"]
    assert machines_below(tmp_path) == []
    assert not list(tmp_path.glob("*/lab"))


def steps(made: dict[str, Any]) -> list[str]:
    return [step["name"] for step in made["steps"]]


def with_a_ticket_by_name_it_stays(cell: dict[str, Any]) -> None:
    assert (cell["effect"], cell["restored"]) == ("kept", True), cell
    for made in cell["phases"].values():
        assert made["auth"] == "Kerberos (AES-256)"
        assert {step["status"] for step in made["steps"]} == {"STATUS_SUCCESS"}
        assert steps(made)[:5] == ["connect", "negotiate", "kerberos-as", "kerberos-tgs", "session-setup"]


def by_address_there_is_no_ticket(cell: dict[str, Any]) -> None:
    assert cell["effect"] == "never"
    for made in cell["phases"].values():
        assert (made["step"], made["status"]) == ("kerberos-tgs", "KDC_ERR_S_PRINCIPAL_UNKNOWN")


def with_a_password_it_is_locked_out(cell: dict[str, Any]) -> None:
    assert (cell["effect"], cell["restored"]) == ("lost", True), cell
    assert cell["phases"]["baseline"]["auth"] == "NTLMv2"
    off = cell["phases"]["applied"]
    assert (off["step"], off["status"]) == ("session-setup", "STATUS_NTLM_BLOCKED")


def without_an_aes_key_there_is_no_ticket(cell: dict[str, Any]) -> None:
    assert (cell["effect"], cell["restored"]) == ("lost", True), cell
    off = cell["phases"]["applied"]
    assert (off["step"], off["status"]) == ("kerberos-as", "KDC_ERR_ETYPE_NOSUPP")


def on_the_wire_it_was_kerberos(folder: Path, cell: dict[str, Any]) -> None:
    """SPNEGO with an AP-REQ, and no NTLM, in what the guests said to each other."""
    packets = folder / cell["evidence"] / "packets.pcapng"
    notes = capture.Notes()
    said = [one.data for one in capture.segments(packets, notes) if isinstance(one, Segment)]
    assert not notes.damage
    assert {auth.of_blob(data) for data in said if auth.of_blob(data)} == {KERBEROS}
