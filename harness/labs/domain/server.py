"""The servers of a domain as a lab has servers: a member with its domain controller, and that one itself."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from harness.labs import server_internals, shares
from harness.labs.domain import conf as texts
from harness.labs.domain.conf import Addresses
from harness.labs.domain.controller import ASK_SECONDS, Place
from harness.labs.domain.enter import as_root
from harness.labs.domain.own import OwnDomain
from harness.labs.domain.with_controller import BesideController, WithController
from harness.labs.marked import MARK, end
from harness.labs.network.announcing import IMAGES
from harness.labs.network.quic_front import QuicFront
from harness.labs.platforms import LocalBench
from harness.labs.roots.rootfs import FILES
from harness.labs.samba import SambaServer
from harness.labs.samba_conf import Account, passdb_line, put_conf
from harness.labs.samba_internals import testparm
from harness.labs.writing import writing
from harness.model import Target
from harness.model.accounts import USER
from harness.servers.base import Server, ServerState
from harness.servers.in_domain import DC, IMAGE, InDomain
from harness.servers.live import How, Software
from harness.system.deadline import pace, wait_for
from harness.system.process import Result, run, start

JOINED_SECONDS: Final = 60.0
"""The most until a member's winbindd has its secure channel; measured on a busy machine: 5 s."""
_WINBINDD: Final = "/usr/sbin/winbindd"
_WBINFO: Final = "/usr/bin/wbinfo"


def made(server: Server, place: InDomain, bench: LocalBench) -> SambaServer:
    """A server of the lab's domain, not yet started. Raises LabFault where this machine has no domain."""
    return (ControllerServer if place.is_controller else MemberServer)(server, place, bench)


class _DomainServer(WithController, SambaServer):
    """What both have: a domain of their own, a copy of the template."""

    def __init__(self, server: Server, place: InDomain, bench: LocalBench) -> None:
        self._place = place
        self._own = bench.account
        """That of the lab, which a member has beside the domain's."""
        at = Addresses(bench.home.controller, bench.home.address)
        self._domain = OwnDomain(bench.template, place, at)
        super().__init__(
            server,
            replace(bench.home, enter=as_root),
            Account(USER, self._domain.password),
            lambda image: bench.mount(image, FILES if image in IMAGES else texts.files(place, at)),
            bench.runners,
        )
        self.target = replace(self.target, domain=self._domain.known)
        self.front = QuicFront(server.name, self._home, (place.name,))
        self.controller = self._domain.controller(self._place_of(bench))

    @property
    def mark(self) -> str:
        """Of its own processes; those of a member's domain controller have another one."""
        return self._home.mark

    def _place_of(self, bench: LocalBench) -> Place:
        """Where its domain controller is to live."""
        raise NotImplementedError(bench)

    def reads_state(self, state: ServerState) -> Mapping[str, Mapping[str, str]]:
        """See ``ReadsState``."""
        return server_internals.sections(
            testparm(self._home, self._root(state.image), self._text(state)).stdout
        )

    def software(self) -> Software:
        """See ``LiveServer.software``; without its domain controller a member is nothing."""
        self.controller.alive()
        return super().software()

    def _text(self, state: ServerState) -> str:
        """Its smb.conf(5) in a state."""
        raise NotImplementedError

    def _write_conf(self) -> None:
        outside = self._home.outside
        with writing(outside):
            shares.make_folder(outside / "share", 0o777)
            put_conf(outside, self._text(self.state))

    def _make_folder(self) -> None:
        self._domain.copy(self._place.host, self._home.outside)
        passdb = self._home.outside / texts.PASSDB
        with writing(passdb):
            passdb.touch(mode=0o600)
            passdb.write_text(passdb_line(self._own), encoding="utf-8")
        self._write_conf()


class ControllerServer(_DomainServer):
    """The domain controller as the server that clients come to."""

    log_name = "log.samba"

    def _place_of(self, bench: LocalBench) -> Place:  # noqa: ARG002
        home = self._home
        return Place(home.name, home.mark, home.outside, home.inside, self._root(IMAGE), home.address)

    def _text(self, state: ServerState) -> str:
        return texts.controller(
            state.conf,
            self._home.inside,
            self._home.address,
            texts.share_of(self._home.share, self._home.inside, state.conf),
        )

    def become(self, state: ServerState, how: How) -> None:  # noqa: ARG002
        """See ``LiveServer.become``: samba(8) reads most of its settings at its start alone."""
        self._tell_directory(state.directory)
        if state != self.state:
            super().become(state, How.RESTART)

    def prove(self, *, serves: bool, served: bool = False) -> str:
        """See ``LiveServer.prove``: a signed LDAP bind besides."""
        if not self.state.running:
            return self._prove_down()
        if served:
            return super().prove(serves=serves, served=served)
        return f"{self.controller.prove()}; {super().prove(serves=serves)}"

    def _kill(self) -> None:
        self.controller.stop()
        super()._kill()

    def _launch(self) -> None:
        self.controller.start()
        self._process = self.controller.alive()
        self._awaken()


class MemberServer(BesideController, _DomainServer):
    """A member: winbindd and smbd, and the domain controller beside it."""

    _winbindd: subprocess.Popen[bytes] | None = None

    def _place_of(self, bench: LocalBench) -> Place:
        home = self._home
        name = f"{home.name}-{DC.host}"
        root = bench.mount(IMAGE, texts.files(DC, self._domain.at))
        mark = f"{home.mark}-{DC.host}"
        return Place(name, mark, home.folder / name, home.inside.with_name(name), root, home.controller)

    def start(self) -> None:
        """See ``SambaServer.start``: the domain controller first."""
        self._start_controller()
        super().start()

    def become(self, state: ServerState, how: How) -> None:
        """See ``LiveServer.become``; of its domain controller, too."""
        self._change_domain(state)
        if state != self.state:
            super().become(state, how)

    def prove(self, *, serves: bool, served: bool = False) -> str:
        """See ``LiveServer.prove``: of its domain controller, and of the secure channel to it, too."""
        said = self.controller.prove()
        if not self.state.running:
            return f"{said}; {self._prove_down()}"
        if not served and (serves or not self.cut_off()):
            self._wbinfo().check(f"{self.server.name} does not reach its domain controller (wbinfo -P)")
        return f"{said}; {super().prove(serves=serves, served=served)}"

    def cut_off(self) -> str:
        """See ``MayBeCutOff``: where the domain controller was told so, and its log says that it does."""
        sealed = self.state.controller.globals.get("server schannel require seal") == "yes"
        return self.controller.refusal(self._place.netbios) if sealed else ""

    @property
    def own_target(self) -> Target:
        """See ``OwnAccounts``."""
        user = f"{self._place.netbios}\\{self._own.user}"
        return replace(self.target, user=user, password=self._own.password, domain=None)

    def dispose(self) -> None:
        """See ``SambaServer.dispose``."""
        try:
            super().dispose()
        finally:
            self.controller.dispose(self._home.evidence)

    def _text(self, state: ServerState) -> str:
        share = texts.share_of(self._home.share, self._home.inside, state.conf)
        at = self.front.home(state).address
        return texts.member(state.conf, self._home.inside, at, self._place, share)

    def _controller_text(self, state: ServerState) -> str:
        place = self.controller.place
        return texts.controller(state.controller, place.inside, place.address)

    def _launch(self) -> None:
        root = self._root(self.state.image)
        (root / "run/samba").mkdir(exist_ok=True)
        self._winbindd = start(
            as_root(root, [_WINBINDD, "-F", "--no-process-group", "-s", self._home.conf]),
            output=self._home.outside / "winbindd.out",
            env={MARK: self.mark},
        )
        self._joined()
        super()._launch()

    def _joined(self) -> None:
        wait_for(
            f"{self.server.name}: the secure channel to its domain controller (wbinfo -P)",
            self._reaches,
            JOINED_SECONDS,
        )

    def _reaches(self) -> bool:
        self.controller.alive()
        return self._wbinfo().ok or bool(self.cut_off())

    def _wbinfo(self) -> Result:
        argv = as_root(self._root(self.state.image), [_WBINFO, "-P"])
        return run(argv, timeout=ASK_SECONDS * pace())

    def _kill(self) -> None:
        # All that has the server's mark ends with it.
        super()._kill()
        end(self._winbindd, self.mark, "winbindd", self._root(self.state.image))
        self._winbindd = None
