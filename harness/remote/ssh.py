"""SSH to a guest over paramiko: one connection that stays open, a deadline for every command.

A command that may have begun is never sent a second time: it could have changed the guest. So a dead
connection is replaced when the next command is about to be sent, once, and a connection that breaks
under a running command is a fault.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import paramiko

from harness.errors import LabFault
from harness.model import GuestRoute
from harness.remote import channels
from harness.remote.base import hide
from harness.remote.channels import DIED
from harness.system.deadline import Deadline
from harness.system.process import Result, redact

T = TypeVar("T")

log = logging.getLogger("harness.remote")
# What paramiko says of a broken connection comes with a traceback, on stderr where nobody listens; we raise.
logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)

CONNECT_SECONDS = 20.0
"""For TCP, banner, key exchange and logon together: a guest under emulation takes up to 4 s."""
OPEN_SECONDS = 10.0
"""When a connection that does not answer is given up: a guest that was put back in time has forgotten it."""
PUT_SECONDS = 60.0
"""The longest that one answer of the guest's file service may take."""
DYING_SECONDS = 0.5
SHOWN = 400
"""Characters of a command in the log and in ``Result.command``: encoded scripts have thousands."""


class SshRemote:
    """One guest over SSH. Implements ``harness.remote.base.Remote``; may be used from several threads."""

    def __init__(self, route: GuestRoute, known_hosts: Path | None = None) -> None:
        """Nothing is sent yet.

        ``known_hosts`` is the lab's own file: a guest's key is taken down at the first connection, and
        another key at the same address and port is refused from then on. Without one the key is pinned for
        as long as this object lives.
        """
        self._route = route
        self._known_hosts = known_hosts
        self._host_key: paramiko.PKey | None = None
        self._client: paramiko.SSHClient | None = None
        self._given_up: list[paramiko.SSHClient] = []
        """Connections that were replaced; closed with the rest."""
        # Reentrant: who stops a run hangs up in a signal handler, whatever its thread is doing.
        self._lock = threading.RLock()
        hide(route)

    @property
    def name(self) -> str:
        """See ``Remote.name``."""
        return self._route.name

    def run(self, command: str, *, timeout: float, stdin: str = "") -> Result:
        """See ``Remote.run``."""
        begun = time.monotonic()
        deadline = Deadline(timeout)
        shown = redact(command)[:SHOWN]

        def begin(client: paramiko.SSHClient) -> paramiko.Channel:
            # Nothing has been asked for yet: what fails here may be tried again.
            return _transport(client).open_session(timeout=min(OPEN_SECONDS, deadline.remaining))

        channel = self._with_connection(begin, deadline)
        try:
            status, out, err = self._talk(channel, command, stdin, deadline)
        finally:
            channel.close()
        result = Result(shown, status, redact(out), redact(err), time.monotonic() - begun)
        log.debug("ssh %s: %s -> %s in %.3f s", self.name, shown, status, result.seconds)
        return result

    def put(self, path: str, data: bytes) -> None:
        """See ``Remote.put``; over SFTP."""
        deadline = Deadline(CONNECT_SECONDS)

        def begin(client: paramiko.SSHClient) -> paramiko.SFTPClient:
            _transport(client)
            return client.open_sftp()

        sftp = self._with_connection(begin, deadline)
        try:
            channel = sftp.get_channel()
            assert channel is not None
            channel.settimeout(PUT_SECONDS)
            with sftp.open(path, "wb") as file:
                file.set_pipelined(True)
                file.write(data)
            written = sftp.stat(path).st_size
        except DIED as error:
            raise LabFault(f"{self.name}: cannot write {path}: {_said(error)}") from error
        finally:
            sftp.close()
        if written != len(data):
            raise LabFault(f"{self.name}: {path} has {written} bytes, not {len(data)}", "is its disk full?")
        log.debug("ssh %s: put %s (%d bytes)", self.name, path, len(data))

    def close(self) -> None:
        """See ``Remote.close``."""
        with self._lock:
            self._hang_up()

    # -- the connection -----------------------------------------------------------------------------

    def _with_connection(self, begin: Callable[[paramiko.SSHClient], T], deadline: Deadline) -> T:
        """``begin`` over the open connection; over a new one, once, where that has died. Raises LabFault."""
        for again in (True, False):
            client = self._connected(deadline)
            try:
                return begin(client)
            except DIED as error:
                if not again or deadline.expired:
                    raise LabFault(f"{self._where}: no session over SSH: {_said(error)}") from error
                log.debug("ssh %s: the connection died (%s), connecting again", self.name, _said(error))
                with self._lock:
                    # Another thread may have replaced it already.
                    if self._client is client:
                        # Not closed: it may only be slow, and commands of other threads run over it.
                        self._given_up.append(client)
                        self._client = None
        raise AssertionError("unreachable")

    def _connected(self, deadline: Deadline) -> paramiko.SSHClient:
        with self._lock:
            if self._client is None:
                self._client = self._connect(min(CONNECT_SECONDS, deadline.remaining))
            return self._client

    def _connect(self, seconds: float) -> paramiko.SSHClient:
        route = self._route
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(_Pin(self._known_hosts))
        try:
            if self._known_hosts is not None and self._known_hosts.exists():
                client.load_system_host_keys(str(self._known_hosts))
            if self._host_key is not None:
                client.get_host_keys().add(self._entry, self._host_key.get_name(), self._host_key)
            client.connect(
                route.address,
                route.port,
                route.user,
                password=route.password or None,
                pkey=paramiko.PKey.from_path(route.key) if route.key else None,
                allow_agent=False,
                look_for_keys=False,
                timeout=seconds,
                # Less than for the whole, or paramiko goes on to log on where no banner ever came.
                banner_timeout=0.8 * seconds,
                auth_timeout=seconds,
                channel_timeout=seconds,
                transport_factory=_at_once,
            )
            self._host_key = _transport(client).get_remote_server_key()
        except Exception as error:
            client.close()
            raise self._no_connection(error, seconds) from error
        log.debug("ssh %s: connected to %s port %d", self.name, route.address, route.port)
        return client

    def _no_connection(self, error: Exception, seconds: float) -> LabFault:
        """Why there is no connection, in one line, and what to do."""
        where, route = self._where, self._route
        match error:
            case paramiko.BadHostKeyException():
                pinned = f"; its line in {self._known_hosts}" if self._known_hosts else ""
                return LabFault(
                    f"{where}: another host key than before: this is not the guest that was pinned",
                    f"if the guest was made anew, destroy and start it through the lab{pinned}",
                )
            case paramiko.AuthenticationException():
                means = f"the key {route.key}" if route.key else "the lab's password"
                return LabFault(f"{where}: {route.user} is not let in with {means}", "make the guest anew")
            case paramiko.ssh_exception.NoValidConnectionsError() | ConnectionRefusedError():
                return LabFault(f"{where}: nothing listens there", "is the guest up, and its SSH server?")
            case TimeoutError():
                return LabFault(f"{where}: no answer within {seconds:.0f} s", "is the guest up?")
            case FileNotFoundError() | PermissionError():
                return LabFault(f"{where}: {error.filename}: {error.strerror}", "make the guest anew")
            case paramiko.SSHException() if "banner" in str(error):
                return LabFault(f"{where}: TCP connects but no SSH banner comes", "it still boots, or hangs")
            case _:
                return LabFault(f"{where}: no SSH: {_said(error)}")

    def _hang_up(self) -> None:
        for client in (self._client, *self._given_up):
            if client is not None:
                with suppress(*DIED):
                    client.close()
        self._client = None
        self._given_up.clear()

    @property
    def _where(self) -> str:
        return f"{self.name} ({self._route.address} port {self._route.port})"

    @property
    def _entry(self) -> str:
        """How known_hosts calls the guest: sshd(8), SSH_KNOWN_HOSTS FILE FORMAT."""
        route = self._route
        return route.address if route.port == 22 else f"[{route.address}]:{route.port}"

    # -- one command --------------------------------------------------------------------------------

    def _talk(
        self, channel: paramiko.Channel, command: str, stdin: str, deadline: Deadline
    ) -> tuple[int | None, str, str]:
        """Status, stdout and stderr of a command. Raises LabFault when the connection breaks under it."""
        out, err = bytearray(), bytearray()
        try:
            channel.settimeout(max(deadline.remaining, 0.001))
            channel.exec_command(command)
            feeder = threading.Thread(target=channels.feed, args=(channel, stdin.encode()), daemon=True)
            feeder.start()
            ended = channels.drain(channel, out, err, deadline)
            if not ended:
                channels.kill(channel)
        except DIED as error:
            raise self._broken(command, _said(error)) from error
        status: int | None = channel.exit_status if ended else None
        if status == -1:
            # No exit status came: a signal ended it, or the connection is gone; its thread ends a moment
            # after it has closed the channels.
            transport = channel.get_transport()
            transport.join(DYING_SECONDS)
            if not transport.is_active():
                raise self._broken(command, "the guest went away")
        return status, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")

    def _broken(self, command: str, why: str) -> LabFault:
        return LabFault(f"{self.name}: the connection broke under {redact(command)[:60]!r}: {why}")


class _Pin(paramiko.MissingHostKeyPolicy):
    """Takes down the key of a guest that is seen for the first time, in the lab's own file."""

    def __init__(self, known_hosts: Path | None) -> None:
        self._known_hosts = known_hosts

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002
        """Append one line in one write: several processes may meet guests at the same time."""
        if self._known_hosts is not None:
            with self._known_hosts.open("a") as file:
                file.write(f"{hostname} {key.get_name()} {key.get_base64()}\n")


def _at_once(sock: Any, /, **options: Any) -> paramiko.Transport:
    """A transport whose small packets leave at once, as ssh(1) has it for a session (TCP_NODELAY).

    paramiko sends a command as several of them, and each would wait for the guest's acknowledgement of the
    one before, which comes late on purpose (RFC 1122 4.2.3.2). Measured on loopback: a command took 48 ms,
    and takes 6.
    """
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return paramiko.Transport(sock, **options)


def _transport(client: paramiko.SSHClient) -> paramiko.Transport:
    """The live transport of a client. Raises EOFError when it is gone."""
    transport = client.get_transport()
    if transport is None or not transport.is_active():
        raise EOFError("the connection is closed")
    return transport


def _said(error: BaseException) -> str:
    """What an error says, in one line; its kind where it says nothing."""
    if isinstance(error, socket.timeout):
        return "no answer in time"
    text = " ".join(str(error).split())
    return redact(text) or type(error).__name__
