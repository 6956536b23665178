"""What real Samba of two releases says of clients that are connected to it, read by the importers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from impacket.smb import SMB_DIALECT
from impacket.smb3structs import (
    SMB2_DIALECT_002,
    SMB2_DIALECT_21,
    SMB2_DIALECT_30,
    SMB2_DIALECT_311,
)
from impacket.smbconnection import SessionError, SMBConnection
from inventory import of_text
from known import CATALOGUE

from harness.fleet.opening import opened
from harness.fleet.sighting import Logon, Sighting
from harness.labs import namespace
from harness.labs.local import LocalLab
from harness.labs.roots.rootfs import LAB_UID
from harness.labs.samba import SambaServer
from harness.model import Dialect
from harness.servers.base import Conf
from harness.servers.live import How
from harness.system.process import run

pytestmark = pytest.mark.local_lab

SPOKEN = {
    SMB_DIALECT: Dialect.NT1,
    SMB2_DIALECT_002: Dialect.SMB2_02,
    SMB2_DIALECT_21: Dialect.SMB2_10,
    SMB2_DIALECT_30: Dialect.SMB3_00,
    SMB2_DIALECT_311: Dialect.SMB3_11,
}
GLOBALS = {
    "server min protocol": "NT1",
    "log level": "3 auth_audit:3 auth_json_audit:3",
    "debug pid": "yes",
    "map to guest": "Bad User",
}
SHARE = {
    "guest ok": "yes",
    "vfs objects": "full_audit",
    "full_audit:prefix": "%u|%I|%m|%R",
    "full_audit:success": "connect",
    "full_audit:failure": "none",
    "full_audit:syslog": "false",
}
OUTSIDE = "192.0.2.10"
"""In the lab all clients have loopback addresses, which are no machines: it stands for theirs."""


@dataclass(frozen=True)
class Said:
    """What one server printed while its clients were connected, as files."""

    release: str
    folder: Path

    def of(self, name: str) -> list[Sighting]:
        """What a file says; all of it is understood."""
        found = opened(self.folder / name)
        sightings = list(found.sightings)
        assert not found.tally.not_understood, found.tally.examples
        return sightings


@pytest.fixture(scope="module", params=["samba-4.13", "samba-4.25"])
def said(
    request: pytest.FixtureRequest, lab: LocalLab, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Said]:
    if not run(["unshare", "--user", "true"], timeout=30).ok:
        pytest.skip("smbstatus needs a user namespace, which the kernel refuses here (in a chroot?)")
    folder = tmp_path_factory.mktemp("said")
    with lab.serve(CATALOGUE.servers[request.param]) as live, ExitStack() as open_:
        assert isinstance(live, SambaServer)
        live.become(replace(live.state, conf=Conf(GLOBALS, SHARE)), How.RESTART)
        target = live.target

        def connected(dialect: object, login: Callable[[SMBConnection], object]) -> None:
            client = SMBConnection(target.address, target.address, preferredDialect=dialect, myName="PC7")
            open_.callback(client.close)
            login(client)
            client.connectTree(target.share)

        for dialect in SPOKEN:
            connected(dialect, lambda client: client.login(target.user, target.password))
        connected(SMB2_DIALECT_21, lambda client: client.login("", ""))
        with pytest.raises(SessionError):
            connected(SMB2_DIALECT_21, lambda client: client.login(target.user, "wrong"))
        texts = {"text": _smbstatus(live), "log.smbd": live._log()}
        if request.param != "samba-4.13":
            texts["json"] = _smbstatus(live, "--json")
        for name, text in texts.items():
            (folder / name).write_text(text.replace("127.0.0.1", OUTSIDE))
        yield Said(request.param, folder)


def _smbstatus(live: SambaServer, *options: str) -> str:
    """smbstatus as the one who owns smbd's databases, whom it takes for root: else it answers nothing."""
    enter = ["unshare", "--user", "--map-root-user", "--root=."]
    if namespace.maps_lab_uid():
        enter = ["setpriv", f"--reuid={LAB_UID}", f"--regid={LAB_UID}", "--clear-groups", *enter]
    # From inside the image: the folders above it are not that user's to enter.
    enter = ["env", f"--chdir={live._root(live.state.image)}", *enter]
    words = ["/usr/bin/smbstatus", "-s", str(live._home.conf), *options]
    return run([*enter, *words], timeout=30).check("smbstatus").stdout


def test_smbstatus_tells_the_dialects(said: Said) -> None:
    for name in ("text", *(["json"] if said.release != "samba-4.13" else [])):
        sessions = [one for one in said.of(name) if one.dialect]
        assert {one.address for one in sessions} == {OUTSIDE}
        assert {one.dialect for one in sessions} == set(SPOKEN.values())
        # This client encrypts where it can, which is shown as partial, and signs nothing else.
        assert {(one.dialect, one.encrypted) for one in sessions} == {
            (dialect, dialect in (Dialect.SMB3_00, Dialect.SMB3_11)) for dialect in SPOKEN.values()
        }
        assert {(one.encrypted, one.signed) for one in sessions} == {(True, None), (False, False)}


def test_connections_to_shares_tell_when(said: Said) -> None:
    assert all(one.seen is not None for one in said.of("text") if not one.dialect)


def test_the_log_tells_dialects_and_logons(said: Said) -> None:
    found = [one for one in said.of("log.smbd") if one.name.lower() == "pc7" and one.logon]
    assert {one.dialect for one in found if one.logon is Logon.NTLMV2} == set(SPOKEN.values())
    refused = [one for one in found if one.refused]
    assert {(one.refused, one.dialect) for one in refused} == {("NT_STATUS_WRONG_PASSWORD", Dialect.SMB2_10)}
    assert {one.smb1_asked for one in found if one.dialect is Dialect.NT1} == {True}


def test_the_log_tells_who_is_nobody(said: Said) -> None:
    assert Logon.ANONYMOUS in {one.logon for one in said.of("log.smbd")}


def test_full_audit_in_the_log_tells_the_same_dialects(said: Said) -> None:
    lines = (said.folder / "log.smbd").read_text().split("\n")
    audited = [line.strip() for line in lines if f"|{OUTSIDE}|pc7|" in line]
    found, tally = of_text("full-audit", "\n".join(audited))
    assert {(one.address, one.name) for one in found} == {(OUTSIDE, "pc7")}
    assert {one.dialect for one in found} == set(SPOKEN.values())
    assert not tally.not_understood


def test_the_log_of_authentication_alone_tells_the_logons(said: Said) -> None:
    lines = (said.folder / "log.smbd").read_text().split("\n")
    records = [line for line in lines if '"type": "Authentication"' in line]
    found, tally = of_text("samba-auth", "\n".join(records))
    assert {one.logon for one in found} == {Logon.NTLMV2, Logon.ANONYMOUS}
    assert {one.dialect for one in found} == {Dialect.NT1, None}
    assert not tally.not_understood
