"""What a lab's machines stand on: a libvirt of the lab's own, or another one that is linked to."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Protocol

from harness.errors import LabFault
from harness.labs import boxes
from harness.labs.boxes import fetch
from harness.labs.vagrant import places
from harness.labs.vagrant.elsewhere import Link
from harness.labs.vagrant.libvirt import NETWORK, PrivateLibvirt
from harness.labs.vagrant.relay import Relay
from harness.labs.vagrant.uri import VARIABLE

_OF_THE_BOXES = "boxes"
_OF_WHOEVER_WORKS = ("data", "tmp")
"""What in a Vagrant home no two runs may share: Vagrant's index of machines, its locks, its downloads."""


class Ground(Protocol):
    """Use as a context manager, inside the lab's namespace."""

    @property
    def home(self) -> Path:
        """VAGRANT_HOME."""

    @property
    def env(self) -> dict[str, str]:
        """What Vagrant is started with besides; see the Vagrantfile."""

    @property
    def tunnel(self) -> str:
        """The machine that a tunnel to the guests leads through; "" where they are reached directly."""

    def __enter__(self) -> Ground: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def check(self) -> None:
        """Raises LabFault when there is no way to the guests any more."""


def ground(folder: Path, home: Path, link: Link | None, guests: Iterable[str]) -> Ground:
    """For the machines of a lab that keeps its state in ``folder``, with the boxes of a Vagrant home."""
    if link is None:
        return Own(folder, home, guests)
    return Linked(folder, home, link, guests)


class Own:
    """A libvirtd of the lab's own, which ends with it. Its guests' consoles are files here."""

    tunnel = ""

    def __init__(self, folder: Path, home: Path, guests: Iterable[str]) -> None:
        self.home = own_home(home, folder / "vagrant")
        # What the user has set for plain Vagrant is not meant for this one.
        self.env = {
            VARIABLE: "",
            "SMB_REHEARSAL_PREFIX": f"{NETWORK}-",
            "SMB_REHEARSAL_POOL": "default",
            "SMB_REHEARSAL_NETWORK": places.NETWORK,
            "SMB_REHEARSAL_CONSOLES": str(folder / "consoles"),
        }
        self._libvirt = PrivateLibvirt(folder / "libvirt", places.HOST, places.leases(guests))

    def __enter__(self) -> Own:
        self._libvirt.__enter__()
        try:
            self._share_boxes()
        except BaseException:
            self._libvirt.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._libvirt.__exit__(kind, error, trace)

    def check(self) -> None:
        """Its guests are on a bridge of the lab's own."""

    def _share_boxes(self) -> None:
        """Let libvirt use the boxes' disks where they are: to copy them takes seconds and room.

        vagrant-libvirt looks for a volume of this name before it makes one (0.11.2, handle_box_image.rb).
        """
        for disk in self.home.glob("boxes/*/*/libvirt/box.img"):
            name, version = disk.parts[-4:-2]
            try:
                os.link(disk, self._libvirt.pool / f"{name}_vagrant_box_image_{version}_box.img")
            except OSError:
                continue  # Another file system: Vagrant copies it.
        self._libvirt.virsh("pool-refresh", "default")


class Linked:
    """Another libvirt. Whoever made the link also takes away what is left there."""

    def __init__(self, folder: Path, home: Path, link: Link, guests: Iterable[str]) -> None:
        self.home = own_boxes(home, folder / "vagrant", link.tag)
        self.env = link.environment()
        self.tunnel = link.tunnel
        self._held = ExitStack()
        self._relay: Relay | None = None
        if link.ssh is not None:
            addresses = [one.address for one in places.leases(guests, link.network)]
            self._relay = Relay(link.ssh, link.host, addresses, link.where)

    def __enter__(self) -> Linked:
        if self._relay is not None:
            self._held.enter_context(self._relay)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()

    def check(self) -> None:
        """See ``Ground.check``."""
        if self._relay is not None:
            self._relay.check()


def own_home(home: Path, copy: Path) -> Path:
    """A Vagrant home with the same boxes, and an index of machines of its own; links, no copies.

    Vagrant keeps one entry for all machines of the same name, provider and Vagrantfile, wherever their state
    is, and refuses to touch a machine while another Vagrant holds the entry (2.3.4, machine_index.rb): two
    runs beside each other would now and then fail. Raises LabFault when it cannot be written.
    """
    with _writing(copy):
        _link_parts(home, copy)
    return copy


def own_boxes(home: Path, copy: Path, tag: str) -> Path:
    """As ``own_home``, and the versions of its boxes end with the tag.

    vagrant-libvirt names a box's disk in libvirt by box and version, looks for it in every storage pool, and
    takes one that another run is still sending (0.11.2, handle_box_image.rb). A version of its own keeps each
    run to itself; those of boxes that were not built here stay, for the catalogue may demand one.
    Raises LabFault when it cannot be written.
    """
    with _writing(copy):
        _link_parts(home, copy, but=(_OF_THE_BOXES,))
        built = {fetch.folder_of(boxes.vagrant_name(name), home) for name in boxes.BOXES}
        for box in home.glob(f"{_OF_THE_BOXES}/*"):
            mine = copy / _OF_THE_BOXES / box.name
            mine.mkdir(parents=True, exist_ok=True)
            for part in box.iterdir():
                own = box in built and part.is_dir()
                _link(mine / (f"{part.name}.{tag}" if own else part.name), part)
    return copy


@contextmanager
def _writing(copy: Path) -> Iterator[None]:
    try:
        copy.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise LabFault(f"{copy}: {error.strerror or error}", "make room or choose --runs") from error


def _link_parts(home: Path, copy: Path, but: Collection[str] = ()) -> None:
    for part in home.iterdir():
        if part.name not in (*_OF_WHOEVER_WORKS, *but):
            _link(copy / part.name, part)


def _link(link: Path, to: Path) -> None:
    """One that is there from the last time does."""
    with suppress(FileExistsError):
        link.symlink_to(to)
