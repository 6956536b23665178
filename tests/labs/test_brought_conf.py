"""What the lab writes for a configuration that was brought along: smb.conf, passwd, group, smbpasswd."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

from harness.labs import people, shares
from harness.labs.groups import group_file
from harness.labs.home import Home
from harness.labs.roots.rootfs import FILES
from harness.labs.samba_conf import Account as Login
from harness.labs.samba_conf import render
from harness.servers.base import Conf, ServerState
from harness.servers.brought import Account, Brought
from harness.servers.parameters import meant
from harness.servers.roles import BroughtServer, servers_of

HOME = Home("7-x", Path("/state"), Path("/evidence"), "127.1.2.3", "docs")
OWN = FILES["etc/passwd"].replace(":/:", ":/tmp:")
"""Whose home is / has no share by [homes]."""
ANNA, BOB = Account("anna", ("office", "Domain Users")), Account("bob")


def server(shares: dict[str, dict[str, str]], common: dict[str, str] | None = None) -> BroughtServer:
    made = Brought("x", (), "bookworm", Conf(common or {}, sections=shares), (ANNA, BOB))
    return next(iter(servers_of(made).values()))


def counted(text: str) -> dict[str, dict[str, str]]:
    """Section -> parameter -> what counts of it, as smb.conf(5) reads a file: the last."""
    found: dict[str, dict[str, str]] = {}
    section = ""
    for line in text.splitlines():
        if line.startswith("["):
            section = "".join(line.lower().split()).strip("[]")
        else:
            name, _, value = line.partition("=")
            found.setdefault(section, {})[meant(name)] = value.strip()
    return found


def test_nothing_has_a_say_in_what_the_lab_decides() -> None:
    plain = counted(render(server({"docs": {}}).state, HOME))
    hostile = {
        **dict.fromkeys(plain["global"].keys() - {"disablespoolss"}, "evil"),
        "LOG  level": "0",
        "DebugLevel": "0",
        "lock dir": "/evil",
        "private directory": "/evil",
        "server smb transports": "evil",
        "Include": "/evil",
        "config file": "/evil",
        "root directory": "/evil",
        "panic action": "/evil",
        "logging": "syslog",
    }
    in_share = {"Path": "/evil", "directory": "/evil", "root preexec": "/evil", "force create mode": "0001"}
    state = ServerState("bookworm", Conf(hostile, sections={"docs": in_share, " GLOBAL": hostile}))
    text = render(state, HOME)
    decided = counted(text)
    assert decided["global"] == plain["global"]
    assert decided["docs"]["path"] == "/mnt/7-x/shares/docs"
    assert decided["docs"]["forcecreatemode"] == "0667"
    assert "/evil" not in text
    assert text.lower().count("global") == 1


def test_shares_are_as_the_configuration_says() -> None:
    given = {"homes": {"valid users": "%S"}, "TV Shows": {"read only": "no"}, "lp": {"printable": "yes"}}
    conf = Conf({"workgroup": "X"}, {"smb encrypt": "required"}, given)
    found = counted(render(ServerState("bookworm", conf), HOME))
    assert [*found] == ["global", "homes", "tvshows", "lp"]
    assert found["global"]["workgroup"] == "X"
    assert found["global"]["disablespoolss"] == "no", "there is a printer"
    assert found["homes"]["path"] == "/mnt/7-x/homes/%S"
    assert found["tvshows"]["path"] == "/mnt/7-x/shares/TV-Shows"
    sealed = {name: one.get("smbencrypt") for name, one in found.items() if name != "global"}
    assert sealed == {"homes": "required", "tvshows": "required", "lp": None}
    assert not any("forceuser" in one for one in found.values())
    assert "readonly" not in found["homes"]


def test_accounts_have_numbers_of_their_own_and_what_a_folder_grants_its_group() -> None:
    made = server(
        {"docs": {"valid users": "@office", "force user": "archive"}, "odd": {"force user": "%U"}},
        {"map to guest": "Bad User", "guest account": "ftp"},
    )
    files = people.files(made)
    assert files["etc/passwd"] == OWN + (
        "anna:x:64500:64445::/tmp:/bin/false\n"
        "bob:x:64501:64445::/tmp:/bin/false\n"
        "ftp:x:64502:65534::/tmp:/bin/false\n"
        "archive:x:64503:64445::/tmp:/bin/false\n"
    )
    own = FILES["etc/group"]
    assert files["etc/group"] == own + "Domain Users:x:64500:anna\noffice:x:64501:anna\n"
    lines = people.passdb(made, Login("rehearse", "Secret123456")).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["anna", "bob"]


def test_a_known_name_is_the_known_one() -> None:
    made = Brought("x", (), "bookworm", Conf(sections={"docs": {}}), (Account("root"), Account("nobody")))
    (found,) = servers_of(made).values()
    assert people.files(found)["etc/passwd"] == OWN
    assert people.files(found)["etc/group"] == group_file(Conf())


def test_folders_have_the_bits_that_are_told(tmp_path: Path) -> None:
    modes = MappingProxyType({"docs": 0o2750, "homes": 0o700})
    conf = Conf(sections={"docs": {}, "homes": {}, "any": {}})
    made = Brought("x", (), "bookworm", conf, (ANNA, BOB), modes)
    folders = shares.make_folders(made, conf, tmp_path)
    assert {str(one.relative_to(tmp_path)): one.stat().st_mode & 0o7777 for one in folders} == {
        "shares/docs": 0o2750,
        "homes/anna": 0o770,
        "homes/bob": 0o770,
        "shares/any": 0o777,
    }
    assert all((one / shares.WELCOME).is_file() for one in folders)
    assert shares.make_folders(made, conf, tmp_path) == []
