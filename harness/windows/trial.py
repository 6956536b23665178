"""Try every Windows script on a Windows of your own: ``python -m harness.windows.trial ADDRESS``.

This project has no Windows. Whoever has one can find out here whether what it assumes is true, and send
the report. Facts are only asked; with ``--changes`` each change that needs no reboot is made and taken back.
Nothing reboots without ``--reboots``, and each reboot is announced before it begins.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass

from harness.errors import RehearsalError
from harness.model import GuestRoute, Side
from harness.remote import connect
from harness.remote.powershell import PowerShell
from harness.remote.readiness import examine
from harness.system import waits
from harness.system.plain import say
from harness.windows.changes import NoWayError, changes, way
from harness.windows.facts import Facts
from harness.windows.fingerprint import fingerprint, same
from harness.windows.guest import WindowsGuest

PASSWORD = "WINDOWS_PASSWORD"
"""Environment variable with the account's password; without it one is asked for."""
_PORTS = {"ssh": 22, "winrm": 5985}


@dataclass(frozen=True, slots=True)
class Line:
    """What came of one trial. ``outcome``: ok, failed, or not here."""

    trial: str
    outcome: str
    told: str


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may be done to the Windows."""

    changes: bool = False
    reboots: bool = False


def trial(
    route: GuestRoute, allowed: Allowed, *, heard: Callable[[Line], None], told: Callable[[str], None]
) -> list[Line]:
    """Try everything that is allowed on one Windows. Never raises for what fails.

    ``heard`` gets each line as it comes; ``told`` gets what takes long, reboots among it, before it begins.
    """
    lines: list[Line] = []

    def tell(line: Line) -> None:
        lines.append(line)
        heard(line)

    found = examine(route)
    tell(Line("readiness", "ok" if found.ready else "failed", str(found)))
    if found.ready:
        with closing(connect(route)) as remote, waits.watched(told, after=0.0):
            guest = WindowsGuest(PowerShell(remote))
            try:
                facts = guest.facts()
            except RehearsalError as fault:
                tell(Line("facts", "failed", str(fault)))
            else:
                tell(Line("facts", "ok", _said(facts)))
                for line in _changes(guest, facts, allowed) if allowed.changes else ():
                    tell(line)
                if allowed.changes and not facts.records:
                    tell(_as_before(guest, facts))
    return lines


def _said(facts: Facts) -> str:
    told = {
        "caption": facts.answer.caption,
        "version": facts.version,
        "powershell": facts.answer.powershell,
        "SMB1 client": facts.smb1_client,
        "SMB1 server": facts.smb1_server,
        "features": dict(facts.features),
        "server runs": facts.server_running,
        "guest account": facts.answer.guest_enabled,
        "MS17-010": facts.ms17_010.evidence,
        "changes left behind": list(facts.records),
    }
    return json.dumps(told)


def _changes(guest: WindowsGuest, facts: Facts, allowed: Allowed) -> Iterable[Line]:
    barred = {} if allowed.reboots else {side: _left_behind(facts, side) for side in Side}
    for side, why in barred.items():
        if why:
            yield Line(f"changes left behind ({side})", "not here", why)
    for name in changes():
        for side in Side:
            if barred.get(side):
                continue
            try:
                found = way(name, side, facts.build)
            except NoWayError as reason:
                yield Line(f"{name} ({side})", "not here", str(reason))
                continue
            if found.reboot and not allowed.reboots:
                yield Line(f"{name} ({side})", "not here", "it needs a reboot: --changes --reboots makes it")
                continue
            yield _there_and_back(guest, name, side)


def _left_behind(facts: Facts, side: Side) -> str:
    """Why nothing can be made on a side without a reboot; "": it can.

    Whatever is made, what was left behind is taken back first.
    """
    left = [one.removeprefix(f"{side}-") for one in facts.records if one.startswith(f"{side}-")]
    try:
        rebooting = [name for name in left if way(name, side, facts.build).reboot]
    except NoWayError as reason:
        return f"it cannot be taken back: {reason}"
    return (
        f"taking back {', '.join(rebooting)} needs a reboot: --changes --reboots does it" if rebooting else ""
    )


def _there_and_back(guest: WindowsGuest, name: str, side: Side) -> Line:
    what = f"{name} ({side})"
    try:
        ignored = guest.make(side, (name,)).ignored
    except RehearsalError as fault:
        ignored = (str(fault),)
    try:
        guest.make(side, ())
    except RehearsalError as fault:
        return Line(what, "failed", f"NOT TAKEN BACK: {fault}")
    return Line(what, "failed" if ignored else "ok", "; ".join(ignored) or "made and taken back")


def _as_before(guest: WindowsGuest, before: Facts) -> Line:
    """Whether all that was made and taken back left the Windows as it was."""
    try:
        seen = same(guest.name, fingerprint(before), fingerprint(guest.facts()))
    except RehearsalError as fault:
        return Line("as before", "failed", str(fault))
    return Line("as before", "ok", seen)


def main(words: Sequence[str]) -> int:
    """The command line; 0 when nothing failed, 1 when something did."""
    parser = argparse.ArgumentParser(
        prog="python -m harness.windows.trial",
        description="Try the Windows scripts on a Windows of your own and print what came of it as JSON.",
        epilog=f"The password is taken from {PASSWORD} in the environment, or asked for.",
    )
    parser.add_argument("address", help="one address of one Windows that you may change")
    parser.add_argument("--user", default="vagrant", help="an administrator there (%(default)s)")
    parser.add_argument("--over", choices=sorted(_PORTS), default="ssh", help="how to reach it (%(default)s)")
    parser.add_argument("--port", type=int, help="22 for ssh, 5985 for winrm, where none is named")
    parser.add_argument("--key", default="", help="an SSH key, instead of a password")
    parser.add_argument("--changes", action="store_true", help="make and take back what needs no reboot")
    parser.add_argument("--reboots", action="store_true", help="with --changes: what needs reboots too")
    options = parser.parse_args(words)
    if options.reboots and not options.changes:
        parser.error("--reboots says which --changes are made: give both")
    password = ""
    if not options.key:
        password = os.environ.get(PASSWORD) or getpass.getpass(f"password of {options.user}: ")
    port = options.port or _PORTS[options.over]
    route = GuestRoute(
        options.address, options.address, port, options.user, options.key, password, options.over
    )
    lines = trial(
        route,
        Allowed(options.changes, options.reboots),
        heard=lambda line: say(f"{line.trial}: {line.outcome}: {line.told}"),
        told=lambda text: say(f"now: {text}") if text else None,
    )
    print(json.dumps([asdict(line) for line in lines], indent=2))
    return 1 if any(line.outcome == "failed" for line in lines) else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
