"""Boxes that Vagrant takes, and catalogues that name them."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from harness.labs import guests
from harness.system import process


def tiny_box(folder: Path, name: str = "tiny") -> Path:
    """A box: its metadata, and a disk without anything on it, which boots nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metadata.json").write_text(
        json.dumps({"provider": "libvirt", "format": "qcow2", "virtual_size": 1})
    )
    process.run(["qemu-img", "create", "-f", "qcow2", folder / "box.img", "1G"], timeout=20).check("disk")
    file = folder / f"{name}.box"
    with tarfile.open(file, "w") as archive:
        for part in ("metadata.json", "box.img"):
            archive.add(folder / part, part)
    return file


def catalogue(folder: Path, changes: Iterable[Mapping[str, Any]]) -> dict[Path, Path]:
    """A catalogue in which single keys of guests are different: for ``World.instead``."""
    data = yaml.safe_load(guests.FILE.read_text())
    for change in changes:
        (guest,) = (one for one in data["guests"] if one["name"] == change["name"])
        guest |= change
    file = folder / "guests.yaml"
    file.write_text(yaml.safe_dump(data))
    # What is wrong in it is a mistake of the test.
    guests.load(file)
    return {guests.FILE: file}
