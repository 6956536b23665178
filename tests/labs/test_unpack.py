"""Unpacking what nobody knows: nothing is written outside of the tree, and what cannot be used is refused."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import stat
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

import harness
from harness.labs.images.settle import settle
from harness.labs.roots import unpack
from harness.labs.roots.rootfs import FILES
from harness.labs.roots.unpack import Refused, Unpacking
from harness.labs.roots.within import within
from harness.system.process import run

ROOM = 2**20


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.mode = kind, target, mode
    return made


def archive(*members: tarfile.TarInfo | tuple[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar archive of these; a pair is a file and what it holds."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=form) as file:
        for one in members:
            if isinstance(one, tuple):
                made = member(one[0])
                made.size = len(one[1])
                file.addfile(made, io.BytesIO(one[1]))
            else:
                file.addfile(one)
    return whole.getvalue()


def unpacked(root: Path, data: bytes, room: int = ROOM) -> Unpacking:
    root.mkdir(exist_ok=True)
    unpacking = Unpacking(root, room)
    unpacking.unpack(io.BytesIO(data))
    return unpacking


def names(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def test_what_a_root_file_system_has(tmp_path: Path) -> None:
    data = archive(
        member("./", tarfile.DIRTYPE),
        member("./usr/", tarfile.DIRTYPE, mode=0o500),
        ("./usr/sbin/smbd", b"smbd"),
        member("bin", tarfile.SYMTYPE, "usr/sbin"),
        member("usr/sbin/hard", tarfile.LNKTYPE, "./usr/sbin/smbd"),
        ("/etc/os-release", b"ID=absolute\n"),
        ("etc/a\udce9\udcff", b"latin-1"),
        # A file of a folder that a link leads to, as where /bin was merged into /usr.
        ("bin/through-the-link", b"x"),
        # Appended later: it is what counts.
        ("usr/sbin/smbd", b"newer"),
    )
    unpacked(tmp_path / "root", data)
    root = tmp_path / "root"
    assert (root / "usr/sbin/smbd").read_bytes() == b"newer"
    assert (root / "usr/sbin/hard").read_bytes() == b"smbd"
    assert (root / "usr/sbin/through-the-link").exists()
    assert (root / "etc/os-release").read_text() == "ID=absolute\n"
    assert b"a\xe9\xff" in [os.fsencode(path.name) for path in (root / "etc").iterdir()]


def test_what_is_left_out(tmp_path: Path) -> None:
    setuid = member("usr/bin/su", mode=0o4755)
    data = archive(
        setuid,
        member("usr/dev", tarfile.CHRTYPE),
        member("usr/block", tarfile.BLKTYPE),
        member("usr/fifo", tarfile.FIFOTYPE),
        ("home/somebody/diary", b"private"),
        ("etc/shadow", b"root:secret"),
        ("var/lib/samba/private/secrets.tdb", b"secret"),
        member("usr/link-to-shadow", tarfile.LNKTYPE, "var/lib/samba/private/secrets.tdb"),
        ("usr/.wh.gone", b""),
        ("homes/kept", b""),
    )
    left = unpacked(tmp_path / "root", data).left_out
    assert names(tmp_path / "root") == ["homes", "homes/kept", "usr", "usr/bin", "usr/bin/su"]
    assert stat.S_IMODE((tmp_path / "root/usr/bin/su").stat().st_mode) == 0o755
    assert left["device, pipe or socket"] == 3
    assert left["setuid bit"] == 1


_OUT = "leads out of the tree"


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ([("../outside", b"x")], _OUT),
        ([("usr/../../outside", b"x")], _OUT),
        ([member("link", tarfile.LNKTYPE, "../outside")], _OUT),
        ([member("link", tarfile.LNKTYPE, "/etc/hostname")], "not in the archive"),
        ([member("d", tarfile.DIRTYPE), member("l", tarfile.LNKTYPE, "d")], "is no file"),
        ([("file", b""), ("file/below", b"")], "is in a folder that is a file"),
        ([member("d", tarfile.DIRTYPE), ("d", b"")], "is a folder and something else"),
        ([("oci-layout", b"{}")], "in layers .*docker export"),
        ([("blobs/sha256/abc", b"")], "in layers .*docker export"),
        ([(f"{'0af9' * 16}/layer.tar", b"")], "in layers .*docker export"),
        ([("big", b"x" * (ROOM + 1))], "more than the 1 MB"),
    ],
)
def test_what_is_refused(
    tmp_path: Path, members: list[tarfile.TarInfo | tuple[str, bytes]], why: str
) -> None:
    (tmp_path / "outside").write_text("as it was")
    with pytest.raises(Refused, match=why):
        unpacked(tmp_path / "root", archive(*members))
    assert (tmp_path / "outside").read_text() == "as it was"


def test_no_link_leads_a_file_out_of_the_tree(tmp_path: Path) -> None:
    """Neither an absolute link, nor a relative one, nor one that another leads to."""
    outside = tmp_path / "outside"
    outside.mkdir()
    data = archive(
        member("absolute", tarfile.SYMTYPE, str(outside)),
        ("absolute/one", b"x"),
        member("above", tarfile.SYMTYPE, "../outside"),
        ("above/two", b"x"),
        member("a", tarfile.SYMTYPE, "b"),
        member("b", tarfile.SYMTYPE, "a/../../outside"),
        member("file", tarfile.SYMTYPE, str(outside / "three")),
        ("file", b"x"),
    )
    unpacked(tmp_path / "root", data)
    assert list(outside.iterdir()) == []
    assert (tmp_path / "root/file").read_bytes() == b"x"
    assert not (tmp_path / "root/file").is_symlink()
    with pytest.raises(OSError, match="symbolic links"):
        unpacked(tmp_path / "circle", archive(member("a", tarfile.SYMTYPE, "a"), ("a/x", b"")))


def test_the_labs_own_files_are_real_ones(tmp_path: Path) -> None:
    """An image whose etc/passwd, or whose mount points, are links: nothing is written, or mounted, there."""
    victim = tmp_path / "victim"
    victim.write_text("as it was")
    data = archive(
        member("mnt", tarfile.SYMTYPE, str(tmp_path)),
        member("etc", tarfile.SYMTYPE, "flash/etc"),
        member("flash/etc/passwd", tarfile.SYMTYPE, str(victim)),
        ("flash/etc/ld.so.conf", b"/opt/lib\n"),
        ("usr/share/x", b""),
    )
    root = tmp_path / "root"
    unpacked(root, data)
    (root / "tmp").symlink_to(tmp_path)
    settle(root)
    assert victim.read_text() == "as it was"
    assert (root / "etc/passwd").read_text() == FILES["etc/passwd"]
    assert (root / "etc/ld.so.conf").read_text() == "/opt/lib\n"
    for name in ("etc", "mnt", "tmp", "dev", "proc", "run"):
        assert (root / name).is_dir()
        assert not (root / name).is_symlink()


def test_paths_are_followed_as_in_the_tree(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "usr/lib").mkdir(parents=True)
    (root / "lib").symlink_to("/usr/lib")
    (root / "up").symlink_to("../../../../usr")
    assert within(root, "lib/x") == root / "usr/lib/x"
    assert within(root, "/up/lib/../y") == root / "usr/y"
    assert within(root, "../../etc") == root / "etc"


PLAIN = archive(("usr/one", b"1" * 5000), ("usr/two", b"2" * 5000))


def _zstd(data: bytes) -> bytes:
    import subprocess

    return subprocess.run(["zstd", "-qc"], input=data, stdout=subprocess.PIPE, check=True).stdout


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "zstd": _zstd,
}


def said(tmp_path: Path, data: bytes) -> dict[str, object]:
    """What the process that unpacks says of an archive; it is told nothing by the file's name."""
    file, root = tmp_path / "archive", tmp_path / "root"
    file.write_bytes(data)
    root.mkdir()
    argv: list[str | Path] = [sys.executable, "-m", unpack.__name__, file, root, str(ROOM)]
    around = {"PYTHONPATH": str(Path(harness.__file__).parents[1])}
    found: dict[str, object] = json.loads(run(argv, timeout=60, env=around).check("unpack").stdout)
    return found


@pytest.mark.parametrize("packer", PACKERS)
def test_every_packing_whole_and_cut_off(tmp_path: Path, packer: str) -> None:
    data = PACKERS[packer](PLAIN)
    assert said(tmp_path, data) == {"left_out": {}}
    assert (tmp_path / "root/usr/two").read_bytes() == b"2" * 5000
    (tmp_path / "cut").mkdir()
    refused = str(said(tmp_path / "cut", data[: len(data) // 2])["refused"])
    assert "cut off" in refused


def test_cut_off_between_two_files(tmp_path: Path) -> None:
    """Where tarfile itself sees nothing wrong: a whole file, and then no end."""
    with pytest.raises(Refused, match="its end is missing"):
        unpacked(tmp_path / "root", PLAIN[: 512 + 5120])


def test_no_archive_at_all(tmp_path: Path) -> None:
    assert "no tar archive" in str(said(tmp_path, b"smb.conf\n" * 4000)["refused"])


def test_a_header_without_end(tmp_path: Path) -> None:
    """A pax header of 64 GB, and one of 1 MB that Python 3.11.2 would search for minutes.

    A tarfile that was mended since refuses one or both of itself, in words of its own.
    """
    for size in (64 * 2**30, 2**20):
        head = member("x", tarfile.XHDTYPE)
        head.size = size
        said = f"a header of the archive has {size} bytes|invalid header"
        with pytest.raises((Refused, tarfile.ReadError), match=said):
            unpacked(tmp_path / "root", head.tobuf(tarfile.GNU_FORMAT) + b"0" * 2**20)


def test_a_file_that_is_said_to_be_large_and_is_not_there(tmp_path: Path) -> None:
    head = member("home/film")
    head.size = 2**50
    # A newer tarfile notices by itself; both are told as an archive that is cut off.
    with pytest.raises((EOFError, tarfile.ReadError)):
        unpacked(tmp_path / "root", head.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
