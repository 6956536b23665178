"""One smbd of the local lab: its folder, its smb.conf, its life and death."""

from __future__ import annotations

import hashlib
import math
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from harness.errors import LabFault
from harness.labs import (
    in_memory,
    namespace,
    people,
    proof,
    rpc_services,
    samba_ways,
    server_internals,
    shares,
)
from harness.labs.also_served import AlsoServed
from harness.labs.home import Home
from harness.labs.marked import MARK, end, marked
from harness.labs.network.announcing import Announcing
from harness.labs.network.quic_front import QuicFront
from harness.labs.roots.within import within
from harness.labs.samba_conf import Account, put_conf, render
from harness.labs.samba_internals import SambaInternals, package_of, started, testparm, version
from harness.labs.samba_logs import Logs
from harness.labs.samba_messages import Messages
from harness.labs.samba_trouble import Trouble
from harness.labs.samba_ways import Ways
from harness.labs.unheeded import ConfCheck, settings, unheeded
from harness.labs.writing import writing
from harness.model import Target
from harness.result import Recovery, ServerFact
from harness.servers import lists, ports
from harness.servers.base import HOST, Server, ServerState
from harness.servers.live import How, LiveServer, ServerInternals, Software
from harness.servers.roles import BroughtServer
from harness.smb.control import control
from harness.system import charsets, ended
from harness.system.process import start

START_SECONDS = 20.0
DYING_SECONDS = 0.5
"""A killed process has closed its sockets a moment before its parent can see that it ended."""


class SambaServer:
    """A started Samba. Implements ``harness.servers.live.LiveServer``."""

    log_name: ClassVar[str] = "log.smbd"
    """The log of its first process, in the folder of its logs."""
    pristine: Recovery | None = None
    brought_back: Recovery | None = None
    served_at: float = -math.inf
    """See ``TellsWhenServed``."""

    def __init__(
        self,
        server: Server,
        home: Home,
        account: Account,
        root: Callable[[str], Path],
        roots: tuple[tuple[str, tuple[str, ...]], ...],
    ) -> None:
        """``root`` tells where an image is mounted."""
        self.server = server
        self.state = server.state
        self._home = home
        self._account = account
        self._root = root
        self._process: subprocess.Popen[bytes] | None = None
        self._reloaded = False
        """The last change reached it by a reload, not by a start."""
        self._messages = Messages(server.name, home)
        self._internals = SambaInternals(server, home, root)
        self._log_file = home.outside / "log" / self.log_name
        self._logs = Logs(self._log_file.parent)
        self._output = home.outside / "smbd.out"
        self._trouble = Trouble(home, self._log_file, self._output)
        user, self._client = people.users(server, account)
        self.target = Target(
            home.address,
            home.share,
            user,
            account.password,
            roots=roots,
            segment=home.segment,
            printer=home.printer,
            charset=charsets.codec(lists.said(server.conf, "", "dos charset")[1]),
        )
        self.front = QuicFront(server.name, home)
        self._announcing = (
            Announcing(server.name, home, root, netbios=server.browsed) if home.segment else None
        )

    @property
    def client_target(self) -> Target:
        """See ``OtherClients``."""
        return self.front.of_clients(replace(self.target, user=self._client))

    def start(self) -> None:
        """Make the folder, start smbd, warm it up and prove that it serves. Raises LabFault."""
        self._make_folder()
        if self._announcing:
            # First: its election takes 20 s.
            self._announcing.begin(self.state)
        self._launch()
        if self._announcing:
            self._announcing.wait()

    def become(self, state: ServerState, how: How) -> None:
        """See ``LiveServer.become``."""
        self.served_at = -math.inf
        stays = state.running and self.state.running and state.image == self.state.image
        if stays and how is not How.RESTART:
            self._turn(state)
            self._reloaded = True
            self._write_conf()
            self._messages.read_again(self._root(state.image), how, self._alive().pid)
            self._announce(state)
            return
        self._reloaded = False
        self._kill()
        self._turn(state)
        self._write_conf()
        if state.running:
            self._launch()
        self._announce(state)

    def _turn(self, state: ServerState) -> None:
        here, there = self._end_in(self.state), self._end_in(state)
        self.state = state
        if here != there:
            address, port = there
            self.target = replace(self.target.moved(port), address=address)

    def _end_in(self, state: ServerState) -> tuple[str, int]:
        """The address and the TCP port of its smbd in a state."""
        return self.front.home(state).address, ports.of(state.conf)

    def prove(self, *, serves: bool, served: bool = False) -> str:
        """See ``LiveServer.prove``: a session, a tree connect and a listing by the lab's own client."""
        return self.proved(self.server, self.target, serves=serves, served=served)

    def proved(self, server: Server, target: Target, *, serves: bool, served: bool) -> str:
        """See ``also_served.Running``."""
        if not self.state.running:
            return self._prove_down()
        self._alive()
        self.front.alive()
        if self._trouble.disk_is_full():
            raise LabFault(f"the disk below {self._home.folder} is full", "make room or choose --runs")
        if served:
            return proof.SERVED
        if serves and isinstance(server, BroughtServer) and server.lacks_share(self.state.conf):
            return proof.lacking(server.name, target, alive=self._dying)
        said = self._trouble.log_size()
        return proof.serving(
            server.name,
            target,
            serves=serves,
            alive=self._dying,
            why=lambda: self._trouble.why_not_served(said),
        )

    def software(self) -> Software:
        """See ``LiveServer.software``: the executable of the running process, not of the package."""
        process = self._alive()
        self.front.alive()
        try:
            binary = Path(f"/proc/{process.pid}/exe").read_bytes()
        except OSError as error:
            self._alive(DYING_SECONDS)
            raise LabFault(f"smbd of {self.server.name} cannot be read: {error.strerror}") from error
        return Software(process.pid, _digest(binary), self._package(self.state.image))

    def shipped(self, image: str) -> Software:
        """See ``LiveServer.shipped``."""
        root = self._root(image)
        ways = samba_ways.of(root)
        binary = within(root, ways.executable or ways.smbd)
        return Software(0, _digest(binary.read_bytes()), self._package(image))

    def fact(self) -> ServerFact:
        """See ``LiveServer.fact``; ``software`` is what smbd itself says as it starts, or when asked."""
        # To ask it links the whole program: 70 ms of the processor.
        said = "" if self._ways.asked else started(self._log())
        return ServerFact(
            self.server.name,
            self.server.title,
            f"Samba {said or version(self._root(self.state.image))}",
            str(self.server.fidelity),
            self.server.emulates,
            tuple(filter(None, [self._package(self.state.image)])),
            instead=self.server.instead,
            remarks=self.server.remarks,
            role=self.server.role,
            called=self.server.called,
        )

    def internals(self) -> ServerInternals | None:
        """See ``LiveServer.internals``."""
        if not self.state.running:
            return None
        return self._internals.look(self.state, self._alive().pid, self._log())

    def lacked(self) -> str:
        """See ``TellsOfLack``."""
        return self._trouble.lacked()

    def complaints(self, before: ServerState) -> Sequence[str]:
        """See ``LiveServer.complaints``: what testparm says, and smbd's log once somebody has connected."""
        return self.complained(self.server, self.target, before)

    def complained(self, server: Server, target: Target, before: ServerState) -> Sequence[str]:
        """See ``also_served.Running``."""
        changed = settings(before.conf, self.state.conf)
        if not changed or not self._ways.testparm:
            return ()
        over = self._process is not None and self._process.poll() is not None
        if self._reloaded and self._process is not None and not over:
            # It answers when it has read its smb.conf again; smbcontrol stumbles over some of what is wrong.
            with suppress(LabFault):
                self._messages.send(self._root(self.state.image), "ping", str(self._process.pid))
            # After a start somebody has connected already (``awaken``).
            control(target)
        share = server.section if isinstance(server, BroughtServer) else ""
        told = unheeded(server.name, changed, self._ask, self._log(), share)
        if over and not told:
            return (f"{server.name} does not run with {' and '.join(map(str, changed))}",)
        return told

    def reads_state(self, state: ServerState) -> Mapping[str, Mapping[str, str]]:
        """See ``ReadsState``. Of the state that it is in, the very smb.conf that smbd has is read."""
        text = (self._home.outside / "smb.conf").read_text() if state == self.state else self._text(state)
        return server_internals.sections(testparm(self._home, self._root(state.image), text).stdout)

    def _text(self, state: ServerState) -> str:
        """Its smb.conf(5) in a state."""
        return render(state, self.front.home(state), samba_ways.of(self._root(state.image)))

    def _ask(self, text: str) -> ConfCheck:
        return testparm(self._home, self._root(self.state.image), text)

    def also(self, server: Server) -> LiveServer:
        """See ``SeveralInOne``: of one configuration that was brought along."""
        if not isinstance(server, BroughtServer):
            raise TypeError(f"{self.server.name} is not {server.name}, too")
        return AlsoServed(self, server, self._account)

    def access(self) -> Mapping[str, str]:
        """See ``Accessible``."""
        return {"smb.conf": str(self._home.outside / "smb.conf"), "log": str(self._log_file)}

    def dispose(self) -> None:
        """Stop the server with all it started, keep its smb.conf and logs as evidence, drop the rest."""
        with ExitStack() as stack:
            if self._announcing:
                stack.callback(self._announcing.stop)
            stack.callback(self.front.stop)
            stack.callback(self._kill)
        kept = self._home.evidence / self._home.name
        with suppress(OSError):  # Evidence that a full disk swallows must not hide the first error.
            kept.mkdir(parents=True, exist_ok=True)
            for path in (self._home.outside / "smb.conf", self._log_file):
                if path.exists():
                    shutil.copyfile(path, kept / path.name)
        shutil.rmtree(self._home.outside, ignore_errors=True)
        in_memory.drop(self._home)

    def _announce(self, state: ServerState) -> None:
        self.front.follow(state)
        if self._announcing:
            self._announcing.follow(state)
            self._announcing.wait()

    # -- the folder ---------------------------------------------------------------------------------

    def _make_folder(self) -> None:
        outside = self._home.outside
        with writing(outside):
            namespace.hand_over(in_memory.make_folders(self._home))
            passdb = outside / "smbpasswd"
            passdb.write_text(people.passdb(self.server, self._account), encoding="utf-8")
            passdb.chmod(0o600)
            self._write_conf()
            namespace.hand_over(outside)

    def _make_shares(self, state: ServerState) -> list[Path]:
        """The folders of the shares that are not there yet. Raises OSError."""
        if isinstance(self.server, BroughtServer):
            return shares.make_folders(self.server.brought, state.conf, self._home.outside)
        return shares.make_folder(self._home.outside / "share", 0o755)

    def _write_conf(self) -> None:
        outside = self._home.outside
        with writing(outside):
            for made in self._make_shares(self.state):
                namespace.hand_over(made)
            put_conf(outside, self._text(self.state))

    def _log(self) -> str:
        return self._logs.text()

    def log_after(self, before: Mapping[str, int]) -> tuple[str, Mapping[str, int]]:
        """See ``LogKeeper.log_after``."""
        return self._logs.after(before)

    def next_job(self) -> None:
        """See ``TakesTurns``."""
        self._logs.next_job()

    @property
    def _ways(self) -> Ways:
        return samba_ways.of(self._root(self.state.image))

    def _package(self, image: str) -> str:
        return "" if image == HOST else package_of(self._root(image))

    # -- life and death -----------------------------------------------------------------------------

    def _launch(self) -> None:
        # What it says while it reads smb.conf would go where its package wants it, which is read-only.
        argv = self._ways.start(self._home.conf, self._home.inside / "log")
        self._trouble.begin()
        self._process = start(
            self._home.enter(self._root(self.state.image), argv),
            output=self._output,
            env={
                MARK: self._home.mark,
                **rpc_services.shared_lists(self._home, self._root(self.state.image)),
            },
            session=not self._ways.own_session,
        )
        self._awaken()

    def _awaken(self) -> None:
        if proof.awaken(self.server.name, self.target, lambda: bool(self._alive()), START_SECONDS):
            self.served_at = time.monotonic()

    def _alive(self, patience: float = 0.0) -> subprocess.Popen[bytes]:
        """The running smbd; ``patience`` seconds are waited for its end. Raises LabFault when it is gone."""
        if self._process is not None and patience:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(patience)
        if self._process is None:
            raise LabFault(f"smbd of {self.server.name} is gone (not started)")
        if self._process.poll() is not None:
            what = f"smbd of {self.server.name} is gone ({ended.how(self._process.returncode)})"
            raise LabFault(what, self._trouble.why_ended(self._process.returncode))
        return self._process

    def _dying(self) -> None:
        self._alive(DYING_SECONDS)

    def _prove_down(self) -> str:
        if marked(self._home.mark):
            raise LabFault(f"{self.server.name} still has processes although it was stopped")
        return proof.silent(self.server.name, self.target)

    def _kill(self) -> None:
        end(self._process, self._home.mark, self.server.name)
        self._process = None


def _digest(binary: bytes) -> str:
    return hashlib.sha256(binary).hexdigest()
