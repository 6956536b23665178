"""The packages of a root file system by dpkg's database, and whether smbd is of one of them.

RPM's databases are not read here. What cannot be read is not known: nothing is concluded from it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from harness.labs import server_internals
from harness.labs.roots import within

_STATUS: Final = "var/lib/dpkg/status"
_INFO: Final = "var/lib/dpkg/info"


def is_there(root: Path) -> bool:
    """Whether a root file system has dpkg's database."""
    return bool(within.text(root, _STATUS))


def packages(root: Path) -> tuple[str, ...]:
    """The installed packages as "name version", sorted."""
    found: set[str] = set()
    # Other names and versions dpkg takes for none (deb-control(5)).
    for paragraph in re.split(r"\n\s*\n", within.text(root, _STATUS) or ""):
        fields = dict(re.findall(r"^(Package|Version|Status): *([\w.+~: -]+?) *$", paragraph, re.MULTILINE))
        if fields.get("Status", "").endswith(" installed") and {"Package", "Version"} <= fields.keys():
            found.add(f"{fields['Package']} {fields['Version']}")
    return tuple(sorted(found))


def package_of_smbd(root: Path, smbd: str, version: str) -> str:
    """The package samba as "samba VERSION" where it brought this smbd, and says the same version.

    "" else: somebody may have put another smbd beside the package's, or in its place.
    """
    found = next((line for line in packages(root) if line.startswith("samba ")), "")
    if not found or server_internals.upstream(found.partition(" ")[2]) != server_internals.upstream(version):
        return ""
    files = {
        line
        for name in ("samba.list", *(path.name for path in within.within(root, _INFO).glob("samba:*.list")))
        for line in (within.text(root, f"{_INFO}/{name}") or "").splitlines()
    }
    real = within.within(root, smbd)
    return found if any(within.within(root, line) == real for line in files if line.endswith("/smbd")) else ""
