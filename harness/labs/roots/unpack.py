"""Unpacking somebody's tar archive into a root file system, trusting nothing in it.

``python -m harness.labs.roots.unpack FILE ROOT BYTES``: a process of its own, with bounds on memory and
time and without any capability, writes what smbd may need below ROOT and prints what it left out, or why it
gave up.

Nothing is written outside of ROOT: every name is followed as in chroot(2) (``within``), a name with ".." is
refused, links are made as they are and never followed by us. Nobody owns anything but the caller, setuid
bits, devices, pipes and sockets are left out, and so are the folders that hold people's data and secrets.
"""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import math
import os
import re
import resource
import stat
import sys
import tarfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final, cast

from harness.errors import LabFault
from harness.labs.roots.within import within
from harness.system import confine, process

MOST_ENTRIES: Final = 500_000
"""Files, folders and links of an archive; a whole desktop system has 300,000."""
MEMORY: Final = 1536 * 2**20
"""Bytes of address space: xz -9 needs 65 MiB."""
CPU_SECONDS: Final = 900
LONGEST_HEADER: Final = 32 * 1024
"""Bytes of one extended header of tar(5): a name has 4,096 at most, an ACL few."""
_HEADERS: Final = (
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
)

LEFT_OUT: Final = (
    *("boot", "dev", "home", "lost+found", "media", "mnt", "proc", "root", "run", "srv", "sys", "tmp"),
    *("var/cache", "var/log", "var/mail", "var/spool", "var/tmp", "var/lib/docker", "var/lib/samba"),
    *(
        "etc/samba",
        "etc/ssh",
        "etc/ssl/private",
        "etc/krb5.keytab",
        "etc/shadow",
        "etc/shadow-",
        "etc/gshadow",
    ),
    *("etc/gshadow-", "etc/passwd-", "etc/group-", "etc/machine-id", "usr/share/man", "usr/share/locale"),
)
"""What no smbd of the lab reads: people's files and secrets, and what belongs to one running machine."""
_LAYERED: Final = re.compile(r"oci-layout$|blobs/sha256/|(?:[0-9a-f]{64}/)?layer\.tar$|[0-9a-f]{64}/json$")
"""Names in an archive of ``docker save``, and of others that keep images in layers."""
_CHUNK: Final = 2**20
_LATEST: Final = 2**33
"""Seconds since 1970 that are no time of a file any more."""


class Refused(Exception):
    """The archive cannot be used; says why, for people."""


class _Member(tarfile.TarInfo):
    """Notes that an archive has an end: tarfile is silent where one is cut off between two members."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> _Member:
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            archive.has_end = True  # type: ignore[attr-defined]
            raise

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Member:
        made = super().frombuf(buf, encoding, errors)
        # Of a long header Python 3.11.2 makes a search that takes the square of its length.
        if made.type in _HEADERS and made.size > LONGEST_HEADER:
            raise Refused(f"a header of the archive has {made.size} bytes, as none needs")
        return made


class _Ending:
    """A stream that says once or twice that it is over, and then raises EOFError.

    tarfile goes on reading from one that ended too early, as many blocks as a header promised.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._ended = 0

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._ended = 0 if data else self._ended + 1
        if self._ended > _PATIENCE:
            raise EOFError("its end is missing")
        return data


_PATIENCE: Final = 4


class Unpacking:
    """One archive on its way into a folder."""

    def __init__(self, root: Path, room: int) -> None:
        """``room``: bytes that it may take."""
        self.root = root
        self.room = room
        self.left_out: Counter[str] = Counter()
        self._entries = 0
        self._bytes = 0
        self._skipped: set[str] = set()

    def unpack(self, stream: BinaryIO) -> None:
        """Raises Refused, OSError, and what the reading of a packed stream raises."""
        with tarfile.open(
            fileobj=cast("BinaryIO", _Ending(stream)),
            mode="r|",
            tarinfo=_Member,
            encoding="utf-8",
            errors="surrogateescape",
        ) as archive:
            for member in archive:
                self._one(archive, member)
                # It keeps them all, for whoever asks later.
                archive.members = []  # type: ignore[attr-defined]
            if not getattr(archive, "has_end", False):
                raise Refused("the archive is cut off, or damaged: its end is missing")

    def _one(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        self._entries += 1
        if self._entries > MOST_ENTRIES:
            raise Refused(f"the archive has more than {MOST_ENTRIES} entries, as no root file system has")
        name = _inner(member.name)
        if _LAYERED.match(name):
            raise Refused(
                f"this is an image in layers ({_shown(name)}), as docker save writes it: make a container "
                "of it, and write that one's root file system with docker export"
            )
        if not name:
            return
        if any(name == one or name.startswith(f"{one}/") for one in LEFT_OUT):
            self._skip(name, "entry below folders of people's data and of one machine's state")
        elif PurePosixPath(name).name.startswith(".wh."):
            self._skip(name, "mark of a layer")
        elif member.isdir():
            within(self.root, name).mkdir(parents=True, exist_ok=True)
        elif member.issym():
            self._place(name).symlink_to(member.linkname)
        elif member.islnk():
            self._hard_link(name, member)
        elif member.isreg():
            self._file(archive, name, member)
        else:
            self._skip(name, "device, pipe or socket")

    def _skip(self, name: str, what: str) -> None:
        self._skipped.add(name)
        self.left_out[what] += 1

    def _place(self, name: str) -> Path:
        """Where to make that; what an earlier entry of the name made is removed. Raises Refused."""
        path = PurePosixPath(name)
        folder = within(self.root, path.parent)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise Refused(f"{_shown(name)} is in a folder that is a file") from None
        place = folder / path.name
        with suppress(FileNotFoundError):
            if stat.S_ISDIR(place.lstat().st_mode):
                raise Refused(f"{_shown(name)} is a folder and something else")
            place.unlink()
        return place

    def _hard_link(self, name: str, member: tarfile.TarInfo) -> None:
        target = _inner(member.linkname)
        if target in self._skipped or any(target.startswith(f"{one}/") for one in LEFT_OUT):
            self._skip(name, "hard link to what is left out")
            return
        found = within(self.root, PurePosixPath(target).parent) / PurePosixPath(target).name
        try:
            if not stat.S_ISREG(found.lstat().st_mode):
                raise Refused(f"{_shown(name)} is a hard link to {_shown(target)}, which is no file")
        except FileNotFoundError:
            missing = f"{_shown(name)} is a hard link to {_shown(target)}, which is not in the archive"
            raise Refused(missing) from None
        place = self._place(name)
        os.link(found, place, follow_symlinks=False)

    def _file(self, archive: tarfile.TarFile, name: str, member: tarfile.TarInfo) -> None:
        source = archive.extractfile(member)
        self._bytes += member.size
        if source is None or self._bytes > self.room:
            raise Refused(f"unpacked it has more than the {self.room // 2**20} MB that it may take here")
        if member.mode & (stat.S_ISUID | stat.S_ISGID):
            self.left_out["setuid bit"] += 1
        place = self._place(name)
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            left = member.size
            while left:
                part = source.read(min(left, _CHUNK))
                if not part:
                    raise Refused(f"the archive is cut off in {_shown(name)}")
                file.write(part)
                left -= len(part)
            file.flush()
            # For its owner it can be read, and run where anybody could: the owner is who runs it.
            runs = 0o100 if member.mode & 0o111 else 0
            os.fchmod(file.fileno(), member.mode & 0o755 | 0o600 | runs)
            when = member.mtime if math.isfinite(member.mtime) and 0 <= member.mtime < _LATEST else 0
            os.utime(file.fileno(), (int(when), int(when)))


def _inner(name: str) -> str:
    """A name of an archive below the root, without a slash before it. Raises Refused."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise Refused(f"the name {_shown(name)} leads out of the tree")
    if "\0" in name:
        raise Refused(f"the name {_shown(name)} has a zero byte")
    return "/".join(parts)


def _shown(name: str) -> str:
    """A name as it can be printed: cut, what is no UTF-8 or no letter as an escape."""
    return ascii(name if len(name) <= 120 else f"{name[:120]}...")


@contextmanager
def opened(file: Path) -> Iterator[BinaryIO]:
    """What a tar archive holds, unpacked by its first bytes, not by its name. Raises Refused, OSError."""
    with file.open("rb") as raw:
        head = raw.read(6)
        raw.seek(0)
        if head.startswith(b"\x28\xb5\x2f\xfd"):
            yield from _zstd(file)
        elif head.startswith(b"\x1f\x8b"):
            with gzip.open(raw) as plain:
                yield cast("BinaryIO", plain)
        elif head.startswith(b"\xfd7zXZ\0"):
            with lzma.open(raw) as plain:
                yield cast("BinaryIO", plain)
        elif head.startswith(b"BZh"):
            with bz2.open(raw) as plain:
                yield cast("BinaryIO", plain)
        else:
            yield raw


def _zstd(file: Path) -> Iterator[BinaryIO]:
    """By zstd(1): Python has it from 3.14 on."""
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device
        child = process.converse(["zstd", "-dcq", "--memory=256MB", "--", file], errors=nowhere)
    with child:
        if child.stdin is None or child.stdout is None:
            raise AssertionError
        child.stdin.close()
        try:
            yield cast("BinaryIO", child.stdout)
            while child.stdout.read(_CHUNK):
                pass
        except BaseException:
            child.kill()
            raise
    if child.returncode != 0:
        raise Refused("the archive is cut off, or damaged: zstd cannot unpack it")


def run(file: Path, root: Path, room: int) -> dict[str, object]:
    """Unpack ``file`` into ``root``, which is there; what was left out, or why it cannot be used.

    Changes the current directory.
    """
    unpacking = Unpacking(Path(), room)
    try:
        with opened(file.absolute()) as stream:
            # From here on no folder above it need be entered, which may be closed to root without power.
            os.chdir(root)
            # Whatever has taken this process over by now can do no more than write as its user.
            confine.keep(())
            unpacking.unpack(stream)
    except Refused as refused:
        return {"refused": str(refused)}
    except LabFault as fault:
        return {"refused": f"{fault}; install zstd, or unpack it to a plain tar archive"}
    except tarfile.ReadError as error:
        return {"refused": f"this is no tar archive, or it is cut off or damaged ({error})"}
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, tarfile.TarError) as error:
        return {"refused": f"the archive is cut off, or damaged ({error})"}
    except MemoryError:
        return {"refused": "a header of the archive wants more memory than any needs"}
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        where = f": {_shown(str(error.filename))}" if isinstance(error, OSError) and error.filename else ""
        return {"refused": f"it cannot be unpacked: {said}{where}"}
    return {"left_out": dict(unpacking.left_out)}


def main(words: Sequence[str]) -> int:
    """See above. The exit status is 0 also where the archive is refused."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    sys.stdout.write(json.dumps(run(Path(words[0]), Path(words[1]), int(words[2]))) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
