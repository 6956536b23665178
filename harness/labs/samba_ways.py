"""How the Samba of an image is started and asked: where its programs are, and what they know.

Of the images that the lab builds this is known (``Ways()``). An image that the user added may have any Samba:
it was asked when it was added (``labs.images.asking``), and its answers lie in its root file system.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.errors import LabFault
from harness.servers.base import parameter_key
from harness.system.plain import clean

FILE: Final = "rehearse-samba.json"
"""In the root file system of an image that the user added: its ``Ways``."""
_LONGEST = 100
_VERSION = re.compile(r"\d+\.\d+[\w.+~:-]*")


class Ways(BaseModel):
    """Of one image. Paths are those inside of it."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    smbd: str = "/usr/sbin/smbd"
    executable: str = ""
    """What runs once it is started, where that is another file: ``smbd`` may be a script. "" is ``smbd``."""
    options: tuple[str, ...] = ("-F", "--no-process-group")
    """Of smbd(8), so that it stays a child of ours."""
    own_session: bool = False
    """It makes a session of its own, which only ``--no-process-group`` keeps it from."""
    log_option: str = "-l"
    """Of smbd(8), with the folder of its log; "" where it has none."""
    testparm: str = "/usr/bin/testparm"
    """testparm(1); "" where there is none."""
    testparm_options: tuple[str, ...] = ("-sv", "--suppress-prompt")
    smbcontrol: str = "/usr/bin/smbcontrol"
    """smbcontrol(1); "" where there is none."""
    parameters: tuple[str, ...] | None = None
    """Of smb.conf(5) that it knows, as ``parameter_key`` has them; None: all that the lab writes."""
    audits: bool = True
    """It has the class auth_audit of smb.conf(5), log level."""
    asked: bool = False
    """These are answers; of the others the lab knows what is in their packages."""
    packages_read: bool = True
    """Whether there is a database of packages that can be read here: dpkg's; of RPM's this is not so."""
    modules: tuple[str, ...] | None = None
    """The VFS modules that it has, built in or beside it; None where it did not say."""

    def start(self, conf: Path, log: Path) -> list[str]:
        """The command line of smbd. ``log``: the folder of its log."""
        return [
            self.smbd,
            *self.options,
            "-s",
            str(conf),
            *([self.log_option, str(log)] * bool(self.log_option)),
        ]

    def check(self, conf: Path) -> list[str]:
        """The command line that has testparm show every parameter of a smb.conf(5).

        Raises LabFault where there is no testparm.
        """
        if not self.testparm:
            raise LabFault("this image has no testparm, so its configuration cannot be asked for")
        return [self.testparm, *self.testparm_options, str(conf)]

    def knows(self, line: str) -> bool:
        """Whether it knows the parameter of a line of smb.conf(5). Of what is no parameter: yes."""
        name, equals, _ = line.partition("=")
        return not equals or self.parameters is None or parameter_key(name) in self.parameters


@cache
def of(root: Path) -> Ways:
    """Of a root file system. Raises LabFault where what was noted of it cannot be read."""
    file = root / FILE
    try:
        if file.is_symlink() or not file.exists():
            return Ways()
        return Ways.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise LabFault(f"{file}: cannot be read", "remove the image, and add it again") from error


def version_in(said: str) -> str:
    """The version in what ``smbd -V`` says: "Version 4.17.12-Debian" -> "4.17.12-Debian"; "" for none.

    Vendors put words of their own around it. It is printed: cut, and without what steers a terminal.
    """
    plain = said.strip().removeprefix("Version ")
    if plain and _VERSION.match(plain) and len(plain.splitlines()) == 1:
        return clean(plain)[:_LONGEST]
    found = _VERSION.search(said)
    return found[0].rstrip(".,:-")[:_LONGEST] if found else ""


def passing(lines: Sequence[str], ways: Ways) -> list[str]:
    """The lines of smb.conf(5), of those that the lab writes by itself, that this Samba knows."""
    known = [line for line in lines if ways.knows(line)]
    return known if ways.audits else [line.replace(" auth_audit:3", "") for line in known]
