"""An office's server whose configuration was brought along: who may do what is as smb.conf(5) says.

One smbd is started once; every share is used by everybody, before a change, with it and after its rollback.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
from commandline import rehearse

from harness.labs import server_internals
from harness.labs.local import LocalLab
from harness.labs.samba import SambaServer
from harness.labs.samba_conf import render
from harness.model import Check, Dialect, Outcome, Target
from harness.servers import description
from harness.servers.base import Conf
from harness.servers.brought import Account, Brought
from harness.servers.live import How, target_of_clients
from harness.servers.roles import servers_of
from harness.smb import control
from harness.smb.attempting import Log
from harness.smb.pipes import rap
from harness.smb.smb1 import Smb1
from harness.system.process import run

pytestmark = pytest.mark.local_lab

OFFICE = Brought(
    "office",
    ("smb.conf",),
    "bookworm",
    Conf(
        {
            "workgroup": "OFFICE",
            "server min protocol": "NT1",
            "ntlm auth": "ntlmv1-permitted",
            "map to guest": "Bad User",
            "guest account": "visitor",
            "dos charset": "CP932",
            "host msdfs": "yes",
        },
        sections={
            "homes": {"valid users": "%S", "writeable": "yes", "browseable": "no"},
            "printers": {"printable": "yes", "guest ok": "yes", "browseable": "no"},
            "documents": {
                "valid users": "@office",
                "admin users": "boss",
                "read only": "no",
                "vfs objects": "catia fruit streams_xattr",
                "fruit:metadata": "stream",
                "smb encrypt": "off",
            },
            "team files": {"valid users": "+office visitor", "write list": "+staff", "guest ok": "yes"},
            "public": {"guest ok": "yes", "read only": "no"},
            "drop": {"public": "yes", "writable": "yes", "force user": "archive"},
            "経理": {"valid users": "boss", "invalid users": "+staff", "read only": "no"},
            "kept": {
                "valid users": "anna bob",
                "read only": "no",
                "vfs objects": "recycle full_audit shadow_copy2 acl_xattr",
                "recycle:repository": ".bin/%U",
            },
            "dfs": {"msdfs root": "yes"},
        },
    ),
    (Account("anna", ("office", "staff")), Account("boss", ("office",)), Account("bob")),
    MappingProxyType({"documents": 0o2770, "public": 0o775}),
)
GUEST = "somebody"
WRITES, READS, OUT = "writes", "reads", "kept out"
MAY = {
    "anna": {"anna": WRITES, "boss": OUT, "bob": OUT, GUEST: OUT},
    "documents": {"anna": WRITES, "boss": WRITES, "bob": OUT, GUEST: OUT},
    "team files": {"anna": WRITES, "boss": READS, "bob": OUT, GUEST: READS},
    "public": {"anna": WRITES, "boss": WRITES, "bob": WRITES, GUEST: READS},
    "drop": {"anna": WRITES, "boss": WRITES, "bob": WRITES, GUEST: WRITES},
    "経理": {"anna": OUT, "boss": WRITES, "bob": OUT, GUEST: OUT},
    "kept": {"anna": WRITES, "boss": OUT, "bob": WRITES, GUEST: OUT},
    "dfs": {"anna": READS, "boss": READS, "bob": READS, GUEST: OUT},
}
"""Share -> user -> what smb.conf(5) says that they may."""


@pytest.fixture(scope="module")
def live(lab: LocalLab) -> Iterator[SambaServer]:
    with lab.serve(servers_of(OFFICE)["office@documents"]) as started:
        assert isinstance(started, SambaServer)
        yield started


def reach(live: SambaServer, share: str, user: str) -> Target:
    return replace(live.target, share=share, user=user)


def may(live: SambaServer, share: str, user: str, encrypt: bool | None) -> str:
    """What somebody may do with a share."""
    target = reach(live, share, user)
    write = control.try_session(target, Check.WRITE, dialects=tuple(Dialect), encrypt=encrypt)
    if write.outcome is Outcome.OK:
        return WRITES
    made = control.try_session(target, Check.OPEN, dialects=tuple(Dialect), encrypt=encrypt)
    assert made.outcome is not Outcome.FAULT, made.note
    return READS if made.outcome is Outcome.OK else OUT


def everybody(live: SambaServer) -> dict[str, dict[str, str]]:
    return {share: {user: may(live, share, user, None) for user in users} for share, users in MAY.items()}


def test_each_may_do_what_the_configuration_says_before_a_change_with_it_and_after(live: SambaServer) -> None:
    assert everybody(live) == MAY
    assert "control client listed the share" in live.prove(serves=True)
    state = live.state
    live.become(replace(state, conf=state.conf.with_share(smb_encrypt="required")), How.RESTART)
    # Every share on a disk, whatever its own section says; a guest has no key to encrypt with.
    for share in ("anna", "documents", "drop"):
        assert [may(live, share, "anna", encrypt) for encrypt in (False, None)] == [OUT, WRITES]
    assert may(live, "drop", GUEST, None) == OUT
    live.become(state, How.RESTART)
    assert everybody(live) == MAY


def test_somebody_sees_the_shares_that_are_shown(live: SambaServer) -> None:
    command = live.target.program("trixie", "/usr/bin/smbclient")
    assert command is not None
    login = f"anna%{live.target.password}"
    said = run([*command, "-g", "-L", live.target.address, "-U", login], timeout=30).stdout
    disks = {line.split("|")[1] for line in said.splitlines() if line.startswith("Disk|")}
    assert disks == {"documents", "team files", "public", "drop", "経理", "kept", "dfs", "anna"}
    put = "put /etc/hosts x; put /etc/hosts x; rename x y; rm y; ls .bin/anna/*"
    for share in ("documents", "kept"):
        done = run([*command, f"//{live.target.address}/{share}", "-U", login, "-c", put], timeout=30)
        assert "NT_STATUS_ACCESS_DENIED" not in done.stdout + done.stderr, "one's own file can be changed"
    assert " y " in done.stdout, "the recycle module keeps what was removed"


def test_old_clients_are_let_in_as_the_configuration_says(live: SambaServer) -> None:
    for auth in ("NTLMv1", "NTLMv2"):
        made = control.try_session(
            reach(live, "documents", "anna"), Check.WRITE, dialects=(Dialect.NT1,), auth=auth
        )
        assert (made.outcome, made.auth) == (Outcome.OK, auth)


def test_an_outsider_is_sent_where_somebody_else_shows_that_it_serves(lab: LocalLab) -> None:
    with lab.serve(servers_of(OFFICE)["office@documents@outsider"]) as outside:
        assert (outside.target.user, target_of_clients(outside).user) == ("anna", "bob")
        assert "listed the share" in outside.prove(serves=True)
        made = control.try_session(target_of_clients(outside), Check.OPEN, dialects=tuple(Dialect))
        assert (made.outcome, made.status) == (Outcome.REFUSED, "STATUS_ACCESS_DENIED")


def test_samba_itself_reads_what_the_lab_decides(live: SambaServer) -> None:
    evil = dict.fromkeys(("Lock Dir", "root directory", "LOG FILE", "Private Directory", "path"), "/evil")
    conf = replace(
        live.state.conf,
        globals={**live.state.conf.globals, **evil, "smbports": "139", "interfaces": "10.0.0.1/8"},
        sections={"public": {"Path": "/evil", "directory": "/evil"}, "GLO BAL": evil},
    )
    said = live._ask(render(replace(live.state, conf=conf), live._home))
    found = server_internals.sections(said.stdout)
    assert "/evil" not in said.stdout
    assert found["public"]["path"].startswith("/mnt/")
    assert found["global"]["lock directory"].startswith("/mnt/")
    assert found["global"]["smb ports"] == "445"
    inside = live.internals()
    assert inside is not None
    assert all(share.settings["path"].startswith("/mnt/") for share in inside.shares)


def test_a_run_keeps_the_configuration(lab: LocalLab, tmp_path: Path) -> None:
    assert lab
    file, runs = tmp_path / "office.json", tmp_path / "runs"
    description.write(file, OFFICE)
    cells = "smb3-only:office@documents@outsider,office@public@guest:windows-7:open"
    words = ("run", cells, "--server", file, "--runs", runs, "--no-exposures", "--quiet", "--json")
    effects = outcome(json.loads(rehearse(*words).stdout))
    assert effects == {"office@documents@outsider": "never", "office@public@guest": "lost"}
    file.unlink()
    again = rehearse("report", "--runs", runs, "--json")
    assert outcome(json.loads(again.stdout)) == effects
    assert "your configuration office" in again.stdout


def outcome(document: Mapping[str, object]) -> dict[str, str]:
    cells = document["cells"]
    assert isinstance(cells, list)
    return {one["server"]: one["effect"] for one in cells}


def listed_in_bytes(live: SambaServer) -> bytes:
    """The share list as an SMB1 client gets it by RAP, whose names are in the server's dos charset."""
    connection = control.connect(replace(live.target, user="boss"), dialects=(Dialect.NT1,))
    try:
        tree, session = connection.connect_ipc(Log()), connection.session
        assert isinstance(session, Smb1)
        return session._transact(tree, rap.PIPE, b"", rap.request(), b"", 8192, most_parameters=8)[1]
    finally:
        connection.close()


def listed_by_rap(live: SambaServer) -> list[str]:
    """The same as names."""
    connection = control.connect(replace(live.target, user="boss"), dialects=(Dialect.NT1,))
    try:
        tree, session = connection.connect_ipc(Log()), connection.session
        assert isinstance(session, Smb1)
        return session.list_by_rap(tree)
    finally:
        connection.close()


def test_an_smb1_client_sees_names_in_the_dos_charset(live: SambaServer) -> None:
    assert "経理".encode("cp932") in listed_in_bytes(live)
    assert "経理" in listed_by_rap(live)
    assert may(live, "経理", "boss", None) == WRITES
    state = live.state
    west = state.conf.with_globals(dos_charset="CP850")
    shares = {**west.sections, "Büro": {"read only": "no"}}
    live.become(replace(state, conf=replace(west, sections=shares)), How.RESTART)
    try:
        there = listed_in_bytes(live)
        assert "Büro".encode("cp850") in there
        # A name that the charset does not have is listed as an empty one (measured with 4.17).
        names = rap.shares(b"\0" * 4 + (9).to_bytes(2, "little") + b"\0\0", there)
        assert names.count("") == 1
        assert "drop" in names
    finally:
        live.become(state, How.RESTART)
