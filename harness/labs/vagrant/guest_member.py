"""Samba in a Linux guest as a member of the lab's domain; its domain controller runs on this machine.

The domain controller is the local lab's: samba(8) from its image, in the lab's namespace, at an address of
its own on the guests' bridge. In a guest it would be the same program, on an emulated processor.
The machine was joined when the template was made; its guest gets the secret of that (secrets.tdb).
"""

from __future__ import annotations

import base64
import io
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final, Self

from harness.errors import LabFault
from harness.labs.domain import conf as texts
from harness.labs.domain.conf import Addresses
from harness.labs.domain.controller import Place
from harness.labs.domain.own import OwnDomain
from harness.labs.domain.with_controller import BesideController
from harness.labs.home import INSIDE
from harness.labs.platforms import Beside, GuestBench
from harness.labs.rpc_services import FOLDER as FOLDER_OF_RPC
from harness.labs.rpc_services import WANTED
from harness.labs.samba_conf import SHARE
from harness.labs.vagrant import guest_shell
from harness.labs.vagrant.addresses import BITS
from harness.labs.vagrant.guest_samba import GuestSamba
from harness.labs.vagrant.guest_server import FOLDER
from harness.labs.vagrant.machine import Machine
from harness.model import Target
from harness.model.accounts import USER
from harness.servers.base import Server, ServerState
from harness.servers.in_domain import DC, IMAGE, InDomain
from harness.servers.live import How
from harness.system.deadline import pace, wait_for

JOIN_SECONDS: Final = 60.0
MEMBER_SECONDS: Final = 120.0
"""The most that winbindd and smbd may take to start: winbindd waits for all RPC programs to be listed."""
_FILES: Final = ("etc/hosts", "etc/krb5.conf", "etc/nsswitch.conf", "etc/resolv.conf")
"""Of those that a server in the domain finds in its image (``texts.files``), what is put into the guest."""
# The domain's users come with uids of their own; who has made a file, has it.
_JOIN: Final = f"""\
# the secret and the files of a member of the domain
cd {FOLDER}
mkdir -p {" ".join(texts.FOLDERS)}
base64 -d | tar -xzf - -C / --no-same-owner
chmod 700 private
chmod 777 share
echo "127.0.1.1 $(cat /proc/sys/kernel/hostname)" >>/etc/hosts
# winbindd opens a pipe when it starts, and each RPC program is started for that: see labs.rpc_services.
cd /{FOLDER_OF_RPC}
mkdir -p unused
for program in rpcd_*; do
    case " {" ".join(WANTED)} " in *" $program "*) ;; *) mv "$program" unused ;; esac
done
"""
_REACHES: Final = "wbinfo -P >/dev/null 2>&1 && echo yes || echo no"


class GuestMember(BesideController, GuestSamba):
    """winbindd and smbd of a guest's own distribution, and the domain controller beside it."""

    units = ("winbind", "smbd")
    patience = MEMBER_SECONDS / 2
    start_seconds = MEMBER_SECONDS

    def __init__(
        self, server: Server, machine: Machine, bench: GuestBench, domain: OwnDomain, controller: Place
    ) -> None:
        """``controller``: where its domain controller is to live."""
        super().__init__(server, machine, bench.account, bench.evidence, bench.runners, bench.clients())
        self._own = self.target
        """For the account of the lab, which a member has beside the domain's."""
        self._domain = domain
        self._place = _place_of(server)
        self.target = replace(self.target, user=USER, password=domain.password, domain=domain.known)
        self.controller = domain.controller(controller)

    @classmethod
    @contextmanager
    def serving(cls, server: Server, machine: Machine, bench: GuestBench) -> Iterator[Self]:
        """See ``GuestServer.serving``."""
        if bench.beside is None:
            raise LabFault(f"{server.name} has no domain: its guest cannot reach this machine")
        with bench.beside.address() as address:
            at = Addresses(controller=address, member=machine.route.address)
            domain = OwnDomain(bench.beside.template, _place_of(server), at)
            live = cls(server, machine, bench, domain, _home(bench.beside, at))
            try:
                live.start()
                yield live
            finally:
                live.dispose()

    def start(self) -> None:
        """See ``GuestServer.start``: the domain controller first."""
        self._start_controller()
        super().start()

    def become(self, state: ServerState, how: How) -> None:
        """See ``LiveServer.become``; of its domain controller, too."""
        self._change_domain(state)
        # Whatever was taken back is shown to be as it was.
        if state != self.state or state == self.server.state:
            super().become(state, how)

    def prove(self, *, serves: bool, served: bool = False) -> str:
        """See ``LiveServer.prove``: of its domain controller, and of the secure channel to it, too."""
        said = self.controller.prove()
        if self.state.running and not served and not self._reaches():
            raise LabFault(f"{self.server.name} does not reach its domain controller (wbinfo -P)")
        return f"{said}; {super().prove(serves=serves, served=served)}"

    @property
    def own_target(self) -> Target:
        """See ``OwnAccounts``."""
        return replace(self._own, user=f"{self._place.netbios}\\{self._own.user}")

    def dispose(self) -> None:
        """See ``GuestServer.dispose``."""
        try:
            super().dispose()
        finally:
            self.controller.dispose(self._evidence)

    def _undoing(self) -> Callable[[], None] | None:
        """Nothing in the guest where only its domain controller was changed, which is as it was again."""
        return self._joined if self.state == self.server.state else super()._undoing()

    def _configure(self) -> None:
        seconds = JOIN_SECONDS * pace()
        guest_shell.script(self._machine.remote, _JOIN, stdin=self._secret(), timeout=seconds)
        super()._configure()

    def _secret(self) -> str:
        """What the guest of the machine gets, as tar(5) in base64."""
        given = texts.files(self._place, self._domain.at)
        with tempfile.TemporaryDirectory() as folder, io.BytesIO() as whole:
            home = Path(folder, self._place.host)
            self._domain.copy(self._place.host, home)
            with tarfile.open(fileobj=whole, mode="w:gz") as archive:
                archive.add(home / "private", str(FOLDER / "private").lstrip("/"))
                for name in _FILES:
                    one = tarfile.TarInfo(name)
                    one.size = len(given[name].encode())
                    one.mode = 0o644
                    archive.addfile(one, io.BytesIO(given[name].encode()))
            return base64.b64encode(whole.getvalue()).decode()

    def _wait(self) -> None:
        self._joined()
        super()._wait()

    def _joined(self) -> None:
        what = f"{self.server.name}: the secure channel to its domain controller (wbinfo -P)"
        wait_for(what, self._reaches, self.start_seconds)

    def _reaches(self) -> bool:
        self.controller.alive()
        return guest_shell.script(self._machine.remote, _REACHES).strip() == "yes"

    def _text(self, state: ServerState) -> str:
        share = texts.share_of(SHARE, FOLDER, state.conf)
        return texts.member(state.conf, FOLDER, self._machine.route.address, self._place, share, BITS)

    def _controller_text(self, state: ServerState) -> str:
        place = self.controller.place
        return texts.controller(state.controller, place.inside, place.address, bits=BITS)

    def _papers(self) -> Mapping[str, str]:
        return {**super()._papers(), "krb5.conf": "cat /etc/krb5.conf"}


def _place_of(server: Server) -> InDomain:
    assert server.in_domain is not None
    return server.in_domain


def _home(beside: Beside, at: Addresses) -> Place:
    """Where the domain controller of a guest lives."""
    name = f"{DC.host}-{at.controller}"
    outside = beside.folder / name
    root = beside.mount(IMAGE, texts.files(DC, at))
    return Place(name, str(outside), outside, INSIDE / name, root, at.controller)
