"""A Vagrant home (VAGRANT_HOME) for one run, which shares nothing but the boxes with those of other runs."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from harness.labs import boxes
from harness.labs.boxes import fetch
from harness.labs.writing import writing

_OF_THE_BOXES = "boxes"
_OF_WHOEVER_WORKS = ("data", "tmp")
"""What in a Vagrant home no two runs may share: Vagrant's index of machines, its locks, its downloads."""


def own_home(home: Path, copy: Path) -> Path:
    """A Vagrant home with the same boxes, and an index of machines of its own; links, no copies.

    Vagrant keeps one entry for all machines of the same name, provider and Vagrantfile, wherever their state
    is, and refuses to touch a machine while another Vagrant holds the entry (2.3.4, machine_index.rb): two
    runs beside each other would now and then fail. Raises LabFault when it cannot be written.
    """
    with writing(copy):
        copy.mkdir(parents=True, exist_ok=True)
        _link_parts(home, copy)
    return copy


def own_boxes(home: Path, copy: Path, tag: str) -> Path:
    """As ``own_home``, and the versions of its boxes end with the tag.

    vagrant-libvirt names a box's disk in libvirt by box and version, looks for it in every storage pool, and
    takes one that another run is still sending (0.11.2, handle_box_image.rb). A version of its own keeps each
    run to itself; those of boxes that were not built here stay, for the catalogue may demand one.
    Raises LabFault when it cannot be written.
    """
    with writing(copy):
        copy.mkdir(parents=True, exist_ok=True)
        _link_parts(home, copy, but=(_OF_THE_BOXES,))
        built = {fetch.folder_of(boxes.vagrant_name(name), home) for name in boxes.BOXES}
        for box in home.glob(f"{_OF_THE_BOXES}/*"):
            mine = copy / _OF_THE_BOXES / box.name
            mine.mkdir(parents=True, exist_ok=True)
            for part in box.iterdir():
                own = box in built and part.is_dir()
                _link(mine / (f"{part.name}.{tag}" if own else part.name), part)
    return copy


def _link_parts(home: Path, copy: Path, but: Collection[str] = ()) -> None:
    for part in home.iterdir():
        if part.name not in (*_OF_WHOEVER_WORKS, *but):
            _link(copy / part.name, part)


def _link(link: Path, to: Path) -> None:
    """One that is there from the last time does."""
    with suppress(FileExistsError):
        link.symlink_to(to)
