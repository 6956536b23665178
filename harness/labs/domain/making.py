"""``python -m harness.labs.domain.making IMAGE FOLDER``: make the domain's template, inside a lab of its own.

IMAGE is the root file system to make it in; the template is put into FOLDER. What is done is told on stdout,
a line each: how much of it is done, a blank, and words.
"""

from __future__ import annotations

import json
import secrets
import string
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from harness.errors import LabFault, RehearsalError
from harness.labs.domain import conf as texts
from harness.labs.domain.controller import Controller, Place
from harness.labs.domain.copying import ADDRESSES, FACTS, TAR, Facts, program
from harness.labs.domain.enter import as_root
from harness.labs.home import INSIDE
from harness.labs.roots.mounted import Roots
from harness.model.accounts import ACCOUNTS, USER
from harness.servers.base import Conf
from harness.servers.in_domain import (
    CONTROLLER,
    DC,
    DNS,
    IMAGE,
    MEMBERS,
    REALM,
    WORKGROUP,
    InDomain,
)
from harness.system.plain import say
from harness.system.process import keep_secret, run

FOLDER: Final = "making"
"""Where it is made, beside what is made: the images that are mounted there are gone when the lab is."""
_SECONDS: Final = 300.0
_PYTHON: Final = "/usr/bin/python3"
_ADMINISTRATOR: Final = "Administrator"
_SERVICES: Final = tuple(
    f"{kind}/{name}"
    for kind, names in {
        "ldap": (DC.name, DC.netbios, f"{DC.name}/{WORKGROUP}", f"{DC.name}/{DNS}"),
        "GC": (f"{DC.name}/{DNS}",),
        "HOST": (f"{DC.name}/{WORKGROUP}", f"{DC.name}/{DNS}"),
        "RestrictedKrbHost": (DC.name, DC.netbios),
    }.items()
    for name in names
)
"""What samba_spnupdate(8) adds at each start of a domain controller: without, LDAP takes no Kerberos."""
_STALE: Final = ("pid", "ncalrpc", "log", "lock", "cache")
"""Folders of a stopped samba(8) that are made anew at its start."""


class _Making:
    """One template in the making."""

    def __init__(self, image: Path, folder: Path) -> None:
        self._state = folder / "state"
        self._state.mkdir(parents=True)
        self._roots = Roots(folder / "roots", self._state, {IMAGE: image})
        self._secrets = {name: _password() for name in (_ADMINISTRATOR, *(one.name for one in ACCOUNTS))}

    def make(self, into: Path) -> None:
        """Raises LabFault, OSError."""
        home, inside = self._state / CONTROLLER, INSIDE / CONTROLLER
        root = self._root(DC)
        _tell(0.05, "provisioning the domain")
        self._provision(root, inside)
        for name in texts.FOLDERS:
            (home / name).mkdir(exist_ok=True)
        place = Place("template", "template", home, inside, root, ADDRESSES.controller)
        controller = Controller(place, self._secrets[USER])
        controller.write(texts.controller(Conf(), inside, place.address))
        try:
            _tell(0.45, "making its accounts")
            self._accounts(controller, ready=False)
            _tell(0.55, "starting its controller for the first time")
            controller.start()
            for number, member in enumerate(MEMBERS):
                _tell(0.75 + 0.05 * number, f"joining the machine {member.host}")
                self._join(member)
            self._accounts(controller, ready=True)
        finally:
            controller.stop()
        _tell(0.95, "packing it")
        _pack(self._state, into, self._secrets)

    def _root(self, place: InDomain) -> Path:
        root = self._roots.root(IMAGE, texts.files(place, ADDRESSES))
        (root / "run/samba").mkdir(exist_ok=True)
        return root

    def _provision(self, root: Path, inside: Path) -> None:
        words = [
            *("domain", "provision", f"--realm={REALM}", f"--domain={WORKGROUP}", "--server-role=dc"),
            *("--dns-backend=SAMBA_INTERNAL", f"--adminpass={self._secrets[_ADMINISTRATOR]}"),
            *(f"--host-name={CONTROLLER}", f"--host-ip={ADDRESSES.controller}", f"--targetdir={inside}"),
            f"--option=interfaces = {ADDRESSES.controller}/8",
            "--option=bind interfaces only = yes",
            "--option=vfs objects = dfs_samba4 acl_xattr xattr_tdb",
            f"--option=xattr_tdb:file = {inside / 'xattr.tdb'}",
        ]
        argv = [_PYTHON, "-c", program("provision"), *words]
        run(as_root(root, argv), timeout=_SECONDS).check("the domain cannot be provisioned")

    def _accounts(self, controller: Controller, *, ready: bool) -> None:
        """The users and names before machines are joined; afterwards what is said of the machines."""
        place = controller.place
        order = {
            "conf": str(place.inside / "smb.conf"),
            "database": str(place.inside / "private" / "sam.ldb"),
            "zone": DNS,
            "users": []
            if ready
            else [asdict(one) | {"password": self._secrets[one.name]} for one in ACCOUNTS],
            "names": {} if ready else _names(),
            "machines": list(map(_machine, MEMBERS if ready else (DC,))),
        }
        made = controller.ask([_PYTHON, "-c", program("accounts")], stdin=json.dumps(order), seconds=_SECONDS)
        made.check("the accounts of the domain cannot be made")

    def _join(self, member: InDomain) -> None:
        """Join a machine: its secret is then in the folder of that name."""
        folder, inside = self._state / member.host, INSIDE / member.host
        for name in texts.FOLDERS:
            (folder / name).mkdir(parents=True, mode=0o700 if name == "private" else 0o755)
        (folder / "smb.conf").write_text(texts.member(Conf(), inside, ADDRESSES.member, member))
        joined = run(
            as_root(
                self._root(member),
                [
                    *("/usr/bin/net", "-s", inside / "smb.conf", "ads", "join", "--no-dns-updates"),
                    *("-S", DC.name, "-U", _ADMINISTRATOR),
                ],
            ),
            timeout=_SECONDS,
            env={"PASSWD": self._secrets[_ADMINISTRATOR]},
        )
        joined.check(f"the machine {member.host} cannot be joined to the domain")


def _names() -> dict[str, str]:
    """The names of the domain's DNS that nobody makes by itself: name below the domain -> address."""
    found = {}
    for one in (DC, *MEMBERS):
        address = ADDRESSES.controller if one.is_controller else ADDRESSES.member
        for name in (
            (one.alias, one.alias_with_spn)
            if one.is_controller
            else (one.name, one.alias, one.alias_with_spn)
        ):
            found[name.removesuffix(f".{DNS}")] = address
    return found


def _machine(one: InDomain) -> dict[str, object]:
    return {
        "account": f"{one.netbios}$",
        "spns": [f"cifs/{one.alias_with_spn}", *(_SERVICES if one.is_controller else ())],
        "enctypes": one.enctypes,
    }


def _password() -> str:
    """One that the domain's password policy takes, and that never appears in a log."""
    letters = string.ascii_letters + string.digits
    password = "Aa1" + "".join(secrets.choice(letters) for _ in range(15))
    keep_secret(password)
    return password


def _pack(state: Path, into: Path, passwords: dict[str, str]) -> None:
    """One tar of what the controller and the machines keep, and beside it what is to be known of that."""

    def sound(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        parts = Path(member.name).parts
        if not (member.isfile() or member.isdir()) or (len(parts) > 2 and parts[1] in _STALE):
            return None
        if member.isfile() and (parts[-1].startswith("msg.") or parts[-1] == "smb.conf"):
            return None
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        return member

    with tarfile.open(into / TAR, "w:gz", compresslevel=6) as archive:
        for name in (CONTROLLER, *(one.host for one in MEMBERS)):
            archive.add(state / name, name, filter=sound)
    facts = Facts(sha256=Facts.digest(into / TAR), passwords=passwords)
    file = into / FACTS
    file.touch(mode=0o600)
    file.write_text(facts.model_dump_json(indent=1) + "\n")


def _tell(done: float, text: str) -> None:
    sys.stdout.write(f"{done:.2f} {text}\n")
    sys.stdout.flush()


def main(words: Sequence[str]) -> int:
    """Make the template."""
    image, folder = map(Path, words)
    try:
        _Making(image, folder / FOLDER).make(folder)
    except RehearsalError as error:
        say(str(error))
        return error.exit_status
    except OSError as error:
        say(f"{error.filename}: {error.strerror}")
        return LabFault.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
