"""Whether a Windows guest takes scripts, asked layer by layer, so that silence gets a name.

Each layer that is passed is one line of the diagnosis; the first that is not says what is wrong and what to
do. WinRM's silent hangs are what people complain about most; none of them is waited for without a limit.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from harness.errors import LabFault
from harness.model import GuestRoute
from harness.remote import connect, wsman_probe
from harness.remote.powershell import PowerShell
from harness.system import waits
from harness.system.deadline import Deadline

VERSION = """\
$ErrorActionPreference = 'Stop'
ConvertTo-Json -Compress -InputObject ([string] $PSVersionTable.PSVersion)
"""
LAYER_SECONDS = 20.0
PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found, layer by layer; ``wrong`` and ``mend`` are "" when scripts can be run."""

    passed: tuple[str, ...]
    wrong: str = ""
    mend: str = ""

    @property
    def ready(self) -> bool:
        """True when a PowerShell answered."""
        return not self.wrong

    def __str__(self) -> str:
        return "; ".join((*self.passed, *filter(None, (self.wrong, self.mend))))


def examine(route: GuestRoute, known_hosts: Path | None = None, seconds: float = LAYER_SECONDS) -> Diagnosis:
    """Ask each layer of one guest once, ``seconds`` at most each. Never raises for what the guest does."""
    passed: list[str] = []
    try:
        for layer in _layers(route, known_hosts, seconds):
            passed.append(layer)
    except LabFault as fault:
        return Diagnosis(tuple(passed), fault.message, fault.hint)
    return Diagnosis(tuple(passed))


def wait_until_ready(
    route: GuestRoute,
    known_hosts: Path | None = None,
    *,
    seconds: float,
    heard: Callable[[Diagnosis], None] = lambda _: None,
) -> Diagnosis:
    """Ask until a PowerShell answers; ``heard`` gets every diagnosis that differs from the one before.

    Raises LabFault with the last diagnosis when ``seconds`` have passed, RunStopped when the run is stopped.
    """
    deadline = Deadline(seconds)
    last: Diagnosis | None = None
    while True:
        waits.check()
        found = examine(route, known_hosts, max(1.0, min(LAYER_SECONDS, deadline.remaining)))
        if found != last:
            heard(found)
            last = found
        if found.ready:
            return found
        if deadline.expired:
            raise LabFault(f"{found.wrong} (still so after {seconds:g} s)", found.mend)
        time.sleep(min(PAUSE_SECONDS, deadline.remaining))


def _layers(route: GuestRoute, known_hosts: Path | None, seconds: float) -> Iterator[str]:
    if route.communicator == "winrm":
        yield f"WinRM offers {', '.join(wsman_probe.offered(route, seconds))}"
    with closing(connect(route, known_hosts)) as remote:
        if route.communicator == "ssh":
            # Every shell that Windows' SSH server may be set to start knows it.
            remote.run("exit 0", timeout=seconds)
            yield f"SSH lets {route.user} in"
        version = json.loads(PowerShell(remote).run("its version", VERSION, {}, timeout=seconds))
        yield f"PowerShell {version} answers"
