"""How boxes are described, and what is told to the programs that make them; no box is built here."""

from __future__ import annotations

import hashlib
import json
import lzma
import shutil
import struct
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from known import CATALOGUE

from harness.errors import LabFault
from harness.labs.boxes import BOXES, build, disk, initrd, recipe
from harness.labs.roots import debian
from harness.system import process


def test_every_samba_image_has_a_box_of_its_release() -> None:
    samba = [image for image in CATALOGUE.images.values() if "samba" in image.packages]
    assert samba
    for image in samba:
        assert any(box.suite == image.suite and "samba" in box.packages for box in BOXES.values())
    # The release as it came, with its updates beside it: that is what a vendor's patch is rehearsed on.
    old = BOXES["bullseye"]
    assert (old.security, bool(old.updates)) == (False, True)


def test_whatever_decides_what_is_built_is_in_the_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = BOXES["trixie"]
    before = box.recipe()
    assert before == replace(box, title="another title").recipe()
    for other in (
        replace(box, suite="sid"),
        replace(box, security=False),
        replace(box, packages=box.packages[1:]),
        replace(box, updates=("samba",)),
        replace(box, masked=("tmp.mount",)),
    ):
        assert other.recipe() != before
    with monkeypatch.context() as patch:
        patch.setenv(debian.MIRROR, "file:///srv/mirror")
        assert box.recipe() != before
    shutil.copytree(recipe.GUEST_FILES, tmp_path / "guest")
    monkeypatch.setattr(recipe, "GUEST_FILES", tmp_path / "guest")
    assert box.recipe() == before
    with (tmp_path / "guest/etc/samba/smb.conf").open("a") as file:
        file.write("# changed\n")
    assert box.recipe() != before


def test_the_command_line_of_a_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(debian.MIRROR, raising=False)
    plain = build.command(BOXES["trixie"], Path("/work"))
    assert plain[-2:] == ["trixie", "-"]
    assert not any("://" in word for word in plain)
    assert not any("-security" in word for word in plain)
    patched = build.command(BOXES["bullseye"], Path("/work"))
    hooks = [word for word in patched if word.startswith("--setup-hook")]
    # The sources of the updates are put aside before they are taken away.
    assert ["later.list" in hook for hook in hooks] == [True, False]
    monkeypatch.setenv(debian.MIRROR, "file:///srv/debian/")
    assert build.command(BOXES["bullseye"], Path("/work"))[-2:] == [
        "deb file:///srv/debian bullseye main",
        "deb file:///srv/debian-security bullseye-security main",
    ]


def test_the_catalogue_names_the_box_where_it_will_be(tmp_path: Path) -> None:
    file = tmp_path / "trixie.box"
    file.write_bytes(b"a box")
    made = json.loads(json.dumps(build.catalogue(BOXES["trixie"], file, Path("/home/of the/box"))))
    (version,) = made["versions"]
    (provider,) = version["providers"]
    assert made["name"] == "smb-rehearsal/trixie"
    assert provider["url"] == "file:///home/of%20the/box/trixie.box"
    assert provider["checksum"] == hashlib.sha256(b"a box").hexdigest()
    assert all(part.isdigit() for part in version["version"].split("."))


# modules.dep(5) of a Debian kernel: a module, and all that it needs, the deepest last.
DEPENDENCIES = """\
kernel/drivers/virtio_pci.ko.xz: kernel/drivers/virtio_ring.ko.xz kernel/drivers/virtio.ko.xz
kernel/drivers/virtio.ko.xz:
kernel/drivers/virtio_ring.ko.xz: kernel/drivers/virtio.ko.xz
kernel/char/hw_random/virtio-rng.ko.xz: kernel/drivers/virtio_ring.ko.xz kernel/drivers/virtio.ko.xz
"""


def test_modules_come_behind_what_they_need() -> None:
    found = [Path(file).name for file in initrd.in_order(DEPENDENCIES, ("virtio_rng", "ext4", "virtio_pci"))]
    assert found == ["virtio.ko.xz", "virtio_ring.ko.xz", "virtio-rng.ko.xz", "virtio_pci.ko.xz"]


@given(text=st.text(), drivers=st.lists(st.text(max_size=5), max_size=4))
def test_any_modules_dep_is_read(text: str, drivers: list[str]) -> None:
    found = initrd.in_order(text, drivers)
    assert len(found) == len(set(found))


@given(
    needs=st.lists(st.sets(st.integers(0, 20)), min_size=1, max_size=20).map(
        # Number n needs only lower numbers, and with each of them all that this one needs.
        lambda sets: {number: {n for n in one if n < number} for number, one in enumerate(sets)}
    )
)
def test_every_order_is_right(needs: dict[int, set[int]]) -> None:
    def all_of(number: int) -> set[int]:
        return set().union(*({n} | all_of(n) for n in needs[number]))

    lines = []
    for number in needs:
        # The deepest last, as depmod writes it.
        rest = " ".join(f"m{n}.ko" for n in sorted(all_of(number), reverse=True))
        lines.append(f"m{number}.ko: {rest}")
    found = initrd.in_order("\n".join(lines), [f"m{number}" for number in needs])
    for at, file in enumerate(found):
        number = int(file.removeprefix("m").removesuffix(".ko"))
        assert {f"m{n}.ko" for n in needs[number]} <= set(found[:at])


def test_a_ram_disk(tmp_path: Path) -> None:
    if shutil.which("cpio") is None:
        pytest.skip("needs cpio")
    modules = tmp_path / "modules"
    (modules / "kernel").mkdir(parents=True)
    (modules / "modules.dep").write_text("kernel/one.ko:\nkernel/two.ko.xz: kernel/one.ko\n")
    (modules / "kernel/one.ko").write_bytes(b"\x7fELF one")
    (modules / "kernel/two.ko.xz").write_bytes(lzma.compress(b"\x7fELF two"))
    (tmp_path / "busybox").write_bytes(b"\x7fELF busybox")
    target = tmp_path / "ram.img"
    initrd.make(
        tmp_path / "ram",
        target,
        tmp_path / "busybox",
        init=initrd.INIT,
        modules=modules,
        drivers=("two", "three"),
    )
    listed = process.run(["cpio", "-itv", "--quiet", "-F", target], timeout=20).stdout
    assert {line.split()[2] for line in listed.splitlines()} == {"root"}
    names = [line.split()[-1] for line in listed.splitlines()]
    assert {"init", "bin/busybox", "modules/one.ko", "modules/two.ko", "modules/order", "mnt"} < set(names)
    assert (tmp_path / "ram/modules/order").read_text() == "one.ko\ntwo.ko\n"
    assert (tmp_path / "ram/modules/two.ko").read_bytes() == b"\x7fELF two"
    assert (tmp_path / "ram/init").stat().st_mode & 0o111


def test_a_module_that_is_packed_in_a_new_way(tmp_path: Path) -> None:
    (tmp_path / "modules.dep").write_text("one.ko.new:\n")
    (tmp_path / "one.ko.new").write_bytes(b"?")
    (tmp_path / "busybox").touch()
    with pytest.raises(LabFault, match=r"one\.ko\.new is packed in a way that is not known"):
        initrd.make(
            *(tmp_path / "ram", tmp_path / "ram.img", tmp_path / "busybox"),
            init=initrd.INIT,
            modules=tmp_path,
            drivers=("one",),
        )


def test_the_first_sector() -> None:
    sector = disk.front(b"\xeb" * 512)
    assert len(sector) == disk.SECTOR
    assert sector[:440] == b"\xeb" * 440
    assert sector[510:] == b"\x55\xaa"
    active, _, kind, _, first, count = struct.unpack("<B3sB3sII", sector[446:462])
    assert (active, kind, first) == (0x80, 0x83, disk.FIRST)
    assert (first + count) * disk.SECTOR == disk.SIZE


def test_a_disk_of_a_small_tree(tmp_path: Path) -> None:
    """The real programs: the file system that comes out has the tree in it, and no loop device was used."""
    for program in ("mke2fs", "grub-mkimage", "qemu-img", "debugfs"):
        if shutil.which(program) is None:
            pytest.skip(f"needs {program}")
    if not (disk.GRUB / "boot.img").exists():
        pytest.skip("needs grub-pc-bin")
    tree, work = tmp_path / "tree", tmp_path / "work"
    (tree / "etc").mkdir(parents=True)
    (tree / "etc/hostname").write_text("guest\n")
    work.mkdir()
    loops = sorted(path.name for path in Path("/sys/block").glob("loop*/backing_file"))
    disk.make(tree, work, tmp_path / "disk.qcow2")
    assert sorted(path.name for path in Path("/sys/block").glob("loop*/backing_file")) == loops
    assert (tmp_path / "disk.qcow2").stat().st_size < 8 << 20
    info = json.loads(
        process.run(["qemu-img", "info", "--output=json", tmp_path / "disk.qcow2"], timeout=20).stdout
    )
    assert (info["format"], info["virtual-size"]) == ("qcow2", disk.SIZE)
    raw = tmp_path / "disk.raw"
    process.run(["qemu-img", "convert", "-O", "raw", tmp_path / "disk.qcow2", raw], timeout=60).check("raw")
    with raw.open("rb") as file:
        front = file.read(disk.FIRST * disk.SECTOR)
    assert front[510:512] == b"\x55\xaa"
    assert front[disk.SECTOR : disk.SECTOR + 2] != b"\0\0", "GRUB's second part is behind the first"
    said = process.run(
        ["debugfs", "-R", "cat /etc/hostname", f"{raw}?offset={disk.FIRST * disk.SECTOR}"], timeout=20
    )
    assert said.stdout == "guest\n"
