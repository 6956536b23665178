"""What a Windows is set to, as names and values that can be compared: before a change, and after it.

All that a change can change is in here (``data/changes``), and what else the facts tell of SMB. What differs
from one boot to the next without any change is not: process numbers, which drivers happen to be loaded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import cache

from harness.errors import LabFault
from harness.windows.changes import changes
from harness.windows.facts import Facts
from harness.windows.outputs import ServiceState

KEYS = {
    "HKLM:\\SYSTEM\\CurrentControlSet\\Services\\LanmanServer\\Parameters": "server",
    "HKLM:\\SYSTEM\\CurrentControlSet\\Services\\LanmanWorkstation\\Parameters": "client",
    "HKLM:\\SYSTEM\\CurrentControlSet\\Control\\Lsa": "lsa",
    "HKLM:\\SYSTEM\\CurrentControlSet\\Control\\Lsa\\MSV1_0": "msv1_0",
}
"""The registry keys that the facts tell, as the changes write them and as the facts call them."""
_RUNNING = ("lanmanserver", "lanmanworkstation")
"""The services that run all the time; a driver is loaded when it is first needed."""
SHOWN = 4
"""Differences that are named; more are counted."""

Fingerprint = Mapping[str, str]


def fingerprint(facts: Facts) -> Fingerprint:
    """Everything that is compared, by a name that a person understands."""
    return dict(sorted(_parts(facts)))


def digest(of: Fingerprint) -> str:
    """Twelve digits that stand for a fingerprint in evidence."""
    text = "\n".join(f"{name}={value}" for name, value in sorted(of.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def differences(before: Fingerprint, after: Fingerprint) -> list[str]:
    """What is not as it was, one line each."""
    return [
        f"{name} was {before.get(name, 'not there')}, is {after.get(name, 'not there')}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]


def same(name: str, before: Fingerprint, after: Fingerprint) -> str:
    """The evidence that a guest is what it was. Raises LabFault that names what is different."""
    found = differences(before, after)
    if found:
        more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise LabFault(f"{name} is not what it was: {'; '.join(found[:SHOWN])}{more}")
    return f"{name}: fingerprint {digest(after)} as before ({len(after)} facts)"


@cache
def _registry_values() -> frozenset[tuple[str, str]]:
    """The registry values that changes set: key, as the facts call it, and name."""
    return frozenset(
        (KEYS[setting.path], setting.name)
        for change in changes().values()
        for way in change.way
        for setting in way.settings
        if setting.kind == "registry"
    )


def _parts(facts: Facts) -> Iterator[tuple[str, str]]:
    yield "Windows", facts.version
    yield "account Guest enabled", str(facts.answer.guest_enabled)
    yield "reboot pending", str(facts.answer.reboot_pending)
    yield "changes made", ", ".join(facts.records) or "none"
    for name, value in facts.server_configuration.items():
        yield f"SMB server {name}", value
    for name, value in facts.client_configuration.items():
        yield f"SMB client {name}", value
    for name, value in facts.features.items():
        yield f"feature {name}", value
    for name in facts.answer.services:
        yield f"service {name}", _service(facts.service(name), name in _RUNNING)
    for name, file in facts.answer.drivers.items():
        yield f"driver {name}", f"{'.'.join(map(str, file.version))} {file.sha256}"
    for key, name in _registry_values():
        # Where a cmdlet tells a setting, how it writes it down is its own business: a value that was not
        # there may be there afterwards, with the meaning that none has.
        if not {"server": facts.server_configuration, "client": facts.client_configuration}.get(key):
            yield f"registry {key} {name}", _registry(facts, key, name)


def _registry(facts: Facts, key: str, name: str) -> str:
    if facts.answer.registry.get(key) is None:
        return "not told"
    # Windows writes some of its own names in small letters, and finds them by any.
    values = {known.lower(): value for known, value in facts.registry[key].items()}
    return str(values.get(name.lower(), "not set"))


def _service(state: ServiceState | None, tell_running: bool) -> str:
    if state is None:
        return "not told"
    if not state.exists:
        return "absent"
    running = f", running {state.running}" if tell_running else ""
    return f"{state.start or 'start not told'}, after {'/'.join(state.depends) or 'nothing'}{running}"
