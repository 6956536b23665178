"""Shares with the VFS modules and groups that people's smb.conf name: a real client uses them.

On the oldest and the newest release. That a module is there is shown by what it does; a share whose module is
missing is refused at the tree connect (test_samba_faults).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from known import CATALOGUE

from harness.labs import namespace, server_internals
from harness.labs.local import LocalLab
from harness.labs.samba import SambaServer
from harness.servers.base import Conf
from harness.servers.live import How
from harness.system.process import Result, run

pytestmark = pytest.mark.local_lab

Settings = Mapping[str, str]
EDGES = ("samba-4.13", "samba-4.25")
WELCOME = "welcome.txt"
DENIED = "NT_STATUS_ACCESS_DENIED"
EVERYONE = "ACL:S-1-1-0:ALLOWED/0x0/FULL"


class Share:
    """The share of a running server, with other settings each time, and Samba's own client programs."""

    def __init__(self, live: SambaServer) -> None:
        self._live = live

    @property
    def release(self) -> str:
        return self._live.server.name

    def has(self, settings: Settings) -> None:
        """Serve with these settings of the share instead of those before."""
        self._live.become(replace(self._live.state, conf=Conf(share=settings)), How.RELOAD)

    @property
    def path(self) -> Path:
        """The share's directory."""
        return self._live._home.outside / "share"

    @property
    def log(self) -> str:
        return self._live._log()

    def put(self, name: str) -> None:
        """Make a file in the share's directory, as its server's user."""
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_text("old")
        namespace.hand_over(self.path)

    def smbclient(self, commands: str) -> Result:
        return self._program("smbclient", "-c", commands)

    def smbcacls(self, file: str) -> Result:
        """Add an entry to the access control list of a file."""
        return self._program("smbcacls", file, "--add", EVERYONE)

    def _program(self, name: str, *words: str) -> Result:
        target = self._live.target
        command = target.program("trixie", f"/usr/bin/{name}")
        assert command is not None
        where = f"//{target.address}/{target.share}"
        return run([*command, where, "-U", f"{target.user}%{target.password}", *words], timeout=30)


NAMED = Conf(
    share={
        "valid users": '@family +"Domain Users" "@Domain Admins" @users',
        "invalid users": "+others",
        "force group": "ntadmin",
    }
)
"""The base configuration: it says which groups there are, and which of them the account is in."""


@pytest.fixture(scope="module", params=EDGES)
def share(request: pytest.FixtureRequest, lab: LocalLab) -> Iterator[Share]:
    with lab.serve(replace(CATALOGUE.servers[request.param], conf=NAMED)) as live:
        assert isinstance(live, SambaServer)
        yield Share(live)


@pytest.fixture(scope="session")
def smb_confs() -> list[Path]:
    """Published smb.conf files, where a checkout has them beside itself."""
    folder = Path(__file__).resolve().parents[3] / "shared" / "field" / "smbconf"
    if not folder.is_dir():
        pytest.skip(f"no published smb.conf files in {folder}")
    return sorted(folder.glob("*.conf"))


def streams_xattr(share: Share) -> None:
    share.has({"vfs objects": "streams_xattr"})
    assert share.smbclient(f"put /etc/hosts {WELCOME}:notes").ok
    assert "user.DosStream.notes:$DATA" in os.listxattr(share.path / WELCOME)


def fruit(share: Share) -> None:
    share.has({"vfs objects": "catia fruit streams_xattr"})
    assert share.smbclient(f"put /etc/hosts {WELCOME}:AFP_Resource").ok
    assert (share.path / f"._{WELCOME}").exists(), "macOS's resource fork, as AppleDouble: vfs_fruit(8)"


def catia(share: Share) -> None:
    share.has({"vfs objects": "catia", "catia:mappings": "0x22:0xa8"})
    share.put('inch".txt')
    assert "inch¨.txt" in share.smbclient("ls").stdout


def recycle(share: Share) -> None:
    share.has({"vfs objects": "recycle"})
    assert share.smbclient("put /etc/hosts a.txt; del a.txt").ok
    assert not (share.path / "a.txt").exists()
    assert (share.path / ".recycle" / "a.txt").exists()


def full_audit(share: Share) -> None:
    share.has({"vfs objects": "full_audit", "full_audit:success": "mkdirat", "full_audit:syslog": "no"})
    assert share.smbclient("mkdir audited").ok
    assert "rehearse|127.0.0.1|mkdir" in share.log


def shadow_copy2(share: Share) -> None:
    snapshot = "@GMT-2026.01.01-00.00.00"
    share.has({"vfs objects": "shadow_copy2", "shadow:snapdir": ".snap", "shadow:snapdirseverywhere": "yes"})
    share.put(f".snap/{snapshot}/{WELCOME}")
    assert snapshot in share.smbclient(f"allinfo {WELCOME}").stdout


def acl_xattr(share: Share) -> None:
    """Everything works but changing an access control list: an ordinary user sets no security.* attribute."""
    share.has({"vfs objects": "acl_xattr"})
    assert share.smbclient("put /etc/hosts b.txt; get b.txt /dev/null").ok
    assert DENIED in share.smbcacls("b.txt").stdout
    share.has({"vfs objects": "acl_tdb"})
    assert share.smbcacls("b.txt").ok
    share.has({"vfs objects": "acl_xattr", "acl_xattr:security_acl_name": "user.NTACL"})
    assert share.smbcacls("b.txt").ok == (share.release != "samba-4.13"), "4.13 does not know the parameter"
    assert ("user.NTACL" in os.listxattr(share.path / "b.txt")) == (share.release != "samba-4.13")


MODULES = [streams_xattr, fruit, catia, recycle, full_audit, shadow_copy2, acl_xattr]


def test_every_releases_image_has_them(lab: LocalLab) -> None:
    for image in ("bullseye", "bullseye-security", "bookworm", "trixie", "forky"):
        there = {path.stem for path in (lab.root(image) / "usr/lib").glob("*/samba/vfs/*.so")}
        assert there >= {*(one.__name__ for one in MODULES), "acl_tdb"}, image


@pytest.mark.parametrize(
    "uses",
    MODULES,
    ids=lambda one: one.__name__,
)
def test_a_module_works(share: Share, uses: Callable[[Share], None]) -> None:
    uses(share)


WRITES, READS, STOPPED = "writes", "reads", "is stopped"
READ_ONLY = {"read only": "yes"}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"valid users": "@family"}, WRITES),
        ({"valid users": "alice, +family"}, WRITES),
        ({"valid users": '@"Domain Users"'}, WRITES),
        ({"valid users": "alice"}, STOPPED),
        ({"valid users": "@others"}, STOPPED),
        ({"valid users": "@of-a-change"}, STOPPED),
        ({"invalid users": "@family"}, STOPPED),
        ({"invalid users": "+others"}, WRITES),
        ({**READ_ONLY, "write list": "@family"}, WRITES),
        ({**READ_ONLY, "write list": "+others"}, READS),
        ({"read list": "+family"}, READS),
        ({"force group": "family"}, WRITES),
        ({"force group": "+family"}, WRITES),
        ({"force group": "of-a-change"}, STOPPED),
    ],
    ids=lambda value: value if isinstance(value, str) else ", ".join(value.values()),
)
def test_a_group_lets_in_and_keeps_out(share: Share, settings: Settings, expected: str) -> None:
    share.has(settings)
    reads, writes = (share.smbclient(command).ok for command in ("ls", f"put /etc/hosts {expected[0]}.txt"))
    assert (WRITES if writes else READS if reads else STOPPED) == expected


def test_the_files_keep_the_labs_group(share: Share) -> None:
    """An ordinary user's smbd gives no file away; the document says so."""
    share.has({"force group": "family"})
    assert share.smbclient("put /etc/hosts of-whom.txt").ok
    assert (share.path / "of-whom.txt").stat().st_gid == share.path.stat().st_gid


def of_modules_and_groups(text: str) -> list[Settings]:
    """What an smb.conf says of VFS modules and groups: of [global], and of each share that says more."""
    found = server_internals.sections(text)
    sections = [found.get("global", {}), *server_internals.share_settings(found).values()]
    unique = {tuple(filter(_is_of_these, settings.items())) for settings in sections}
    return [dict(settings) for settings in sorted(unique) if settings]


def _is_of_these(setting: tuple[str, str]) -> bool:
    name, value = setting
    module = name.partition(":")[0] in ("fruit", "recycle", "full_audit", "catia", "acl_xattr")
    group = name in ("valid users", "invalid users", "write list", "force group") and any(
        map(value.count, "@+")
    )
    return name in ("vfs objects", "vfs object") or (module and ":" in name) or group


# Samba's own doing: force group takes no @, and full_audit of newer releases no operation by its old name.
_NO_GROUP = ("31-fedora-include-usershares.conf", "NT_STATUS_NO_SUCH_GROUP")
REFUSED = {
    "samba-4.13": {_NO_GROUP},
    "samba-4.25": {_NO_GROUP, ("16-full-audit-fragment.conf", "NT_STATUS_UNSUCCESSFUL")},
}


def test_what_people_have(share: Share, smb_confs: list[Path]) -> None:
    """Each share of a published smb.conf that names modules or groups, with all that it says of them."""
    refused = set()
    seen = 0
    for path in smb_confs:
        for settings in of_modules_and_groups(path.read_text("utf-8", "replace")):
            share.has(settings)
            said = share.smbclient("ls")
            seen += 1
            if not said.ok:
                refused.add((path.name, said.stdout.split()[-1]))
    assert seen > 10
    assert refused == REFUSED[share.release]
