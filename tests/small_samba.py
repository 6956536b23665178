"""A root file system with a real Samba and hardly anything else, as a tar archive: of an image of the lab."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from known import CATALOGUE

from harness.labs import images, namespace
from harness.labs.roots.within import within
from harness.system.process import run

PROGRAMS = ("/usr/sbin/smbd", "/usr/bin/testparm", "/usr/bin/smbcontrol")
HELPERS = "usr/libexec/samba"
SCRIPTS = "/usr/bin/perl"
LOADER = "/lib64/ld-linux-x86-64.so.2"
_LIBRARY = re.compile(r"(?:=> )?(/\S+) \(0x")
_LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}


def root_of(image: str = "bookworm") -> Path:
    """The root file system of an image of the lab."""
    return images.store(CATALOGUE.images).root(image)


@cache
def needed(image: str = "bookworm") -> tuple[str, ...]:
    """The paths of what the Samba of an image needs to serve, and perl, for scripts."""
    root = root_of(image)
    helpers = [*(root / HELPERS).glob("samba-dcerpcd"), *(root / HELPERS).glob("rpcd_*")]
    programs = [*PROGRAMS, SCRIPTS, *(f"/{path.relative_to(root)}" for path in helpers)]
    # Until glibc 2.33 what reads passwd(5) is a library that no program names.
    names = (f"/{path.relative_to(root)}" for path in root.glob("**/libnss_files.so.2"))
    found = {*programs, LOADER, *names}
    for program in programs:
        said = run(namespace.in_image(root, [LOADER, "--list", program]), timeout=30)
        found |= set(_LIBRARY.findall(said.check(program).stdout))
    return tuple(sorted(found))


def small_tar(
    file: Path,
    *,
    image: str = "bookworm",
    without: tuple[str, ...] = (),
    texts: Mapping[str, str] | None = None,
    moved: Mapping[str, str] | None = None,
    programs_only: bool = False,
) -> Path:
    """Write it. ``texts``: more files, executable where they are programs.

    ``moved``: where a program is instead; ``programs_only``: no libraries, so that nothing in it runs.
    """
    root = root_of(image)
    with tarfile.open(file, "w") as archive:
        for name, target in _LINKS.items():
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            archive.addfile(link)
        for path in needed(image):
            if path in without or (programs_only and path not in (*PROGRAMS, LOADER)):
                continue
            real = within(root, path)
            name = (moved or {}).get(path, path).lstrip("/")
            # As packages have it: /bin is a link to /usr/bin there.
            first, _, rest = name.partition("/")
            archive.add(real, f"{_LINKS.get(first, first)}/{rest}", recursive=False)
        for name, text in (texts or {}).items():
            _add(archive, name, text.encode())
    return file


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), 0o755 if data.startswith(b"#!") else 0o644
    archive.addfile(member, io.BytesIO(data))
