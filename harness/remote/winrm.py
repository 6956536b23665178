"""WinRM to a Windows guest over pypsrp: command lines in a remote shell ([MS-WSMV] 3.1.4.5 ff.).

Each command has a shell of its own that is deleted on every path: shells that are left behind are what
eats a guest's quota. Where the guest offers Negotiate, messages are encrypted with the session's key, and
Basic, which sends the password in the clear, is not used.
"""

from __future__ import annotations

import base64
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import requests
from pypsrp.exceptions import AuthenticationError, WinRMError, WSManFaultError
from pypsrp.shell import CommandState, Process, SignalCode, WinRS
from pypsrp.wsman import WSMan

from harness.errors import LabFault
from harness.model import GuestRoute
from harness.remote import wsman_probe
from harness.remote.base import hide
from harness.remote.powershell import PowerShell
from harness.remote.ssh import SHOWN
from harness.system import waits
from harness.system.deadline import Deadline
from harness.system.process import Result, redact

log = logging.getLogger("harness.remote")
# At DEBUG they log whole messages, in which no secret can be recognised: stdin is base64 there.
for _chatty in ("pypsrp", "spnego"):
    logging.getLogger(_chatty).setLevel(logging.CRITICAL + 1)

CONNECT_SECONDS = 20
ANSWER_SECONDS = 60
"""The longest that one HTTP answer may take. The guest answers a waiting Receive every ``POLL_SECONDS``."""
POLL_SECONDS = 5
_BROKEN = (requests.RequestException, WinRMError, OSError)


class WinRmRemote:
    """One guest over WinRM. Implements ``harness.remote.base.Remote``; may be used from several threads."""

    def __init__(self, route: GuestRoute) -> None:
        """Nothing is sent yet. Port 5986 means TLS, with a certificate of the guest's own: unchecked."""
        self._route = route
        self._auth = ""
        hide(route)

    @property
    def name(self) -> str:
        """See ``Remote.name``."""
        return self._route.name

    def run(self, command: str, *, timeout: float, stdin: str = "") -> Result:
        """See ``Remote.run``. The command goes through cmd.exe, as WinRM has it."""
        begun = time.monotonic()
        deadline = Deadline(timeout)
        shown = redact(command)[:SHOWN]
        try:
            with self._shell(deadline) as shell:
                process = Process(shell, command)
                ended = _through(process, stdin.encode(), deadline)
        except _BROKEN as error:
            raise self._fault(error) from error
        result = Result(
            shown,
            process.rc if ended else None,
            redact(process.stdout.decode("utf-8", "replace")),
            redact(process.stderr.decode("utf-8", "replace")),
            time.monotonic() - begun,
        )
        log.debug("winrm %s: %s -> %s in %.3f s", self.name, shown, result.status, result.seconds)
        return result

    def put(self, path: str, data: bytes) -> None:
        """See ``Remote.put``: WinRM has no files, so PowerShell writes it."""
        given = {"Path": path, "Data": base64.b64encode(data).decode()}
        PowerShell(self).run("write a file", _WRITE, given, timeout=ANSWER_SECONDS)

    def close(self) -> None:
        """See ``Remote.close``: nothing stays open between commands."""

    @contextmanager
    def _shell(self, deadline: Deadline) -> Iterator[WinRS]:
        """A remote shell of its own, deleted when the context ends."""
        if not self._auth:
            self._auth = self._choose(deadline)
        connection = WSMan(
            self._route.address,
            port=self._route.port,
            username=self._route.user,
            password=self._route.password,
            auth=self._auth,
            connection_timeout=_seconds(CONNECT_SECONDS, deadline),
            read_timeout=_seconds(ANSWER_SECONDS, deadline),
            operation_timeout=POLL_SECONDS,
            no_proxy=True,
            **_transport(self._route, self._auth),
        )
        shell = WinRS(connection, codepage=65001)
        try:
            shell.open()
            yield shell
        finally:
            # A guest that is gone has no shell either; the first error is the one that counts.
            with suppress(*_BROKEN):
                shell.close()
            connection.close()

    def _choose(self, deadline: Deadline) -> str:
        """The way to log on, by what the guest offers. Raises LabFault when it offers none of ours."""
        offered = wsman_probe.offered(self._route, min(CONNECT_SECONDS, deadline.remaining))
        for ours in ("Negotiate", "Basic"):
            if ours.lower() in (name.lower() for name in offered):
                return ours.lower()
        raise LabFault(
            f"{self._where}: offers {', '.join(offered) or 'no way to log on'}, not Negotiate or Basic",
            "in the guest: winrm set winrm/config/service/auth '@{Negotiate=\"true\"}'",
        )

    def _fault(self, error: Exception) -> LabFault:
        match error:
            case AuthenticationError():
                return LabFault(
                    f"{self._where}: {self._route.user} is not let in with the lab's password ({self._auth})",
                    "make the guest anew",
                )
            case WSManFaultError():
                return wsman_probe.fault(self._where, error.code, str(error.reason or error.message))
            case requests.Timeout():
                return LabFault(
                    f"{self._where}: it took the logon ({self._auth}) and then no answer came in time",
                    "WinRM in the guest hangs: restart its service WinRM, or the guest",
                )
            case _:
                said = redact(" ".join(str(error).split()))[:200]
                return LabFault(f"{self._where}: WinRM broke: {said}", "is the guest up?")

    @property
    def _where(self) -> str:
        return f"{self.name} ({self._route.address} port {self._route.port})"


def _transport(route: GuestRoute, auth: str) -> dict[str, Any]:
    if route.port == wsman_probe.TLS_PORT:
        return {"ssl": True, "cert_validation": False}
    # Basic has no key to encrypt with.
    return {"ssl": False, "encryption": "never" if auth == "basic" else "always"}


def _seconds(most: int, deadline: Deadline) -> int:
    """Whole seconds, as WS-Management counts them, that one exchange may take."""
    return max(1, min(most, round(deadline.remaining)))


def _through(process: Process, stdin: bytes, deadline: Deadline) -> bool:
    """Start a command, feed it, collect what it says; False when the deadline came first."""
    process.begin_invoke()
    try:
        process.send(stdin, end=True)
        while process.state != CommandState.DONE:
            waits.check()
            if deadline.expired:
                return False
            process.poll_invoke(timeout=_seconds(POLL_SECONDS, deadline))
        return True
    finally:
        with suppress(*_BROKEN):
            process.signal(SignalCode.TERMINATE)


_WRITE = """\
param([string] $Path, [string] $Data)
$ErrorActionPreference = 'Stop'
[IO.File]::WriteAllBytes($Path, [Convert]::FromBase64String($Data))
ConvertTo-Json -Compress -InputObject @{ bytes = (Get-Item -LiteralPath $Path).Length }
"""
