"""What makes a Samba show in Network: nmbd of its own release, and wsdd and Avahi where its state has them.

They run beside smbd as its user, on the server's segment alone. smbd is restarted without them.
"""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

from harness.errors import LabFault, Refused
from harness.labs import namespace
from harness.labs.home import Home
from harness.labs.marked import MARK, end
from harness.labs.network.avahi import Avahi
from harness.labs.network.segments import SEGMENT_BITS
from harness.labs.samba_conf import NETBIOS_NAME
from harness.labs.writing import writing
from harness.model import Segment
from harness.servers import mdns, ws_discovery
from harness.servers.base import Conf, ServerState, parameter_key
from harness.servers.parameters import NO, YES
from harness.smb.discovery import asking, nbns
from harness.smb.parsing import OEM
from harness.system import charsets, ended
from harness.system.deadline import wait_for
from harness.system.process import start

ELECTION_SECONDS: Final = 60.0
"""nmbd registers its names for 4 s, holds an election of 10 s and registers the master browser's for 9 s."""
_WSDD_SECONDS: Final = 30.0
"""It takes 0.4 s, and 4 s beside twenty busy processes (measured)."""
_AVAHI_SECONDS: Final = 30.0
"""It takes 0.6 s, in which it asks whether another has its name (RFC 6762, 8.1)."""
_ASKED: Final = 0.3
"""Seconds that an answer is waited for, each time."""
_OF_NMBD: Final = (
    "netbiosname",
    "netbiosaliases",
    "workgroup",
    "disablenetbios",
    "localmaster",
    "serverstring",
)
"""The settings that nmbd takes when it starts."""
_NMBD: Final = "/usr/sbin/nmbd"
_AVAHI: Final = "avahi"
"""What marks its process, and names its output."""


IMAGES: Final = (ws_discovery.IMAGE, mdns.IMAGE)
"""What announces has images of its own: they know nothing of a domain that the server is in."""


class Announcing:
    """nmbd, wsdd and Avahi of one server."""

    def __init__(self, name: str, home: Home, root: Callable[[str], Path], *, netbios: bool) -> None:
        """``root`` tells where an image is mounted; ``netbios``: nmbd is wanted."""
        self._netbios = netbios
        self._name = name
        self._home = home
        self._root = root
        self._state: ServerState | None = None
        self._nmbd: subprocess.Popen[bytes] | None = None
        self._wsdd: subprocess.Popen[bytes] | None = None
        self._avahi: subprocess.Popen[bytes] | None = None
        self._of_avahi = Avahi(home, root, self._segment.device)

    def begin(self, state: ServerState) -> None:
        """Start what announces a server in that state. Raises LabFault."""
        self._state = state
        folder = self._home.outside / "nmbd"
        with writing(folder):
            folder.mkdir()
            (self._home.outside / "nmbd.conf").write_text(self._conf())
            namespace.hand_over(folder)
        if state.running:
            self._start_nmbd(state)
            self._start_wsdd(state)
            self._start_avahi(state)

    def follow(self, state: ServerState) -> None:
        """Announce the server as it is now; what stays as it was goes on. Raises LabFault."""
        before, self._state = self._state, state
        if before is None or not state.running or _of_nmbd(before) != _of_nmbd(state):
            self._end_nmbd()
        if not (state.running and state.ws_discovery):
            self._end_wsdd()
        if not (state.running and state.mdns):
            self._end_avahi()
        if state.running and self._nmbd is None:
            self._start_nmbd(state)
        if state.running and self._wsdd is None:
            self._start_wsdd(state)
        if state.running and self._avahi is None:
            self._start_avahi(state)

    def wait(self) -> None:
        """Until they answer. Raises LabFault where one does not."""
        segment, state = self._segment, self._state
        if state is None or not state.running:
            return
        if self._nmbd is not None and _setting(state.conf, "local master") not in NO:
            charset = charsets.codec(_setting(state.conf, "dos charset")) or OEM
            master = nbns.Name(self._workgroup(state), nbns.MASTER_BROWSER, charset)
            wait_for(
                f"{self._name}: nmbd as the local master browser, {master}",
                lambda: self._answers(self._nmbd, "nmbd", lambda: asking.address_of(segment, master, _ASKED)),
                ELECTION_SECONDS,
            )
        if self._wsdd is not None:
            wait_for(
                f"{self._name}: wsdd",
                lambda: self._answers(self._wsdd, "wsdd", lambda: asking.device_at(segment, _ASKED)),
                _WSDD_SECONDS,
            )
        if self._avahi is not None:
            wait_for(
                f"{self._name}: avahi-daemon",
                lambda: self._answers(self._avahi, _AVAHI, lambda: asking.service_at(segment, _ASKED)),
                _AVAHI_SECONDS,
            )

    def stop(self) -> None:
        """End them. Raises LabFault when something stays."""
        with ExitStack() as stack:
            stack.callback(self._of_avahi.leave)
            stack.callback(self._end_avahi)
            stack.callback(self._end_nmbd)
            stack.callback(self._end_wsdd)

    @property
    def _segment(self) -> Segment:
        assert self._home.segment is not None
        return self._home.segment

    def _workgroup(self, state: ServerState) -> str:
        """The server's; a change may take it out of the one that clients look in."""
        return _setting(state.conf, "workgroup") or self._segment.workgroup

    def _answers(self, process: subprocess.Popen[bytes] | None, what: str, ask: Callable[[], object]) -> bool:
        if process is None or process.poll() is not None:
            how = ended.how(process.returncode) if process else "not started"
            raise LabFault(f"{what} of {self._name} is gone ({how})", self._last_words(what))
        with suppress(Refused):
            ask()
            return True
        return False

    def _last_words(self, what: str) -> str:
        logs = (self._home.outside / "log" / f"log.{what}", self._home.outside / f"{what}.out")
        said = [path.read_text(errors="replace").strip() for path in logs if path.exists()]
        return next((f"it said: {text.splitlines()[-1].strip()}" for text in said if text), "")

    def _conf(self) -> str:
        """smb.conf(5) of nmbd: smbd's, on the segment alone, where it wants to be the master browser."""
        inside = self._home.inside
        lines = [
            "[global]",
            "preferred master = yes",
            "os level = 65",
            f"include = {self._home.conf}",
            "[global]",
            f"interfaces = {self._segment.server}/{SEGMENT_BITS}",
            f"log file = {inside / 'log' / 'log.nmbd'}",
            f"nmbd:socket dir = {inside / 'nmbd'}",
        ]
        return "\n".join(lines) + "\n"

    def _start_nmbd(self, state: ServerState) -> None:
        # An image that the user added may have none.
        there = (self._root(state.image) / _NMBD.lstrip("/")).exists()
        if not self._netbios or _setting(state.conf, "disable netbios") in YES or not there:
            return
        argv = [_NMBD, "-F", "--no-process-group", "-s", str(self._home.inside / "nmbd.conf")]
        argv += ["-l", str(self._home.inside / "log")]
        self._nmbd = self._started("nmbd", namespace.in_image(self._root(state.image), argv))

    def _start_wsdd(self, state: ServerState) -> None:
        if not state.ws_discovery:
            return
        segment = self._segment
        name = _setting(state.conf, "netbios name") or NETBIOS_NAME
        own = str(uuid.uuid5(uuid.NAMESPACE_DNS, self._home.name))
        argv = ["/usr/bin/python3", "/usr/sbin/wsdd", "-s", "-4", "-i", segment.server, "-U", own]
        argv += ["-n", name, "-w", self._workgroup(state)]
        self._wsdd = self._started("wsdd", namespace.in_image(self._root(ws_discovery.IMAGE), argv))

    def _start_avahi(self, state: ServerState) -> None:
        if not state.mdns:
            return
        with writing(self._home.outside):
            argv = self._of_avahi.argv(_setting(state.conf, "netbios name").upper() or NETBIOS_NAME)
        self._avahi = self._started(_AVAHI, argv)

    def _started(self, what: str, argv: list[str]) -> subprocess.Popen[bytes]:
        output = self._home.outside / f"{what}.out"
        return start(argv, output=output, env=self._mark(what))

    def _mark(self, what: str) -> Mapping[str, str]:
        return {MARK: f"{self._home.mark}:{what}"}

    def _end_nmbd(self) -> None:
        end(self._nmbd, self._mark("nmbd")[MARK], f"nmbd of {self._name}")
        self._nmbd = None

    def _end_wsdd(self) -> None:
        end(self._wsdd, self._mark("wsdd")[MARK], f"wsdd of {self._name}")
        self._wsdd = None

    def _end_avahi(self) -> None:
        end(self._avahi, self._mark(_AVAHI)[MARK], f"avahi-daemon of {self._name}")
        self._avahi = None


def _setting(conf: Conf, name: str) -> str:
    """A parameter of [global], as it is written there; "" where it is not."""
    wanted = parameter_key(name)
    found = (value for key, value in conf.globals.items() if parameter_key(key) == wanted)
    return next(found, "").strip().lower()


def _of_nmbd(state: ServerState) -> tuple[str, ...]:
    """What of a state nmbd is started with."""
    return (state.image, *(_setting(state.conf, name) for name in _OF_NMBD))
