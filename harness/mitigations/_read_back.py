"""Settings as the running server reads them: what is left where nothing of a change shows on the wire."""

from __future__ import annotations

from collections.abc import Mapping

from harness.model import Finding
from harness.servers.base import Conf, parameter_key
from harness.servers.live import LiveServer, ReadsConf

Settings = Mapping[str, str]
NOT_ON_THE_WIRE = "not seen on the wire"


def as_read(live: LiveServer, common: Settings, share: Settings, shares: Mapping[str, Settings]) -> Finding:
    """Whether the running server has these settings, by what testparm of its release makes of each.

    ``common``: of [global]; ``share``: of every share that it serves; ``shares``: of single ones. A word may
    be written in several ways (yes, true), a parameter may have two names: testparm is asked how it reads
    these settings alone, and that must stand in what the server has. Raises LabFault when it does not answer.
    """
    inside = live.internals()
    if inside is None or not isinstance(live, ReadsConf):
        why = "is down" if inside is None else "does not tell how it reads its configuration"
        return Finding(False, f"{NOT_ON_THE_WIRE}, and {live.server.name} {why}", visible=False)
    own = {one.name: one.settings for one in inside.shares if one.name.upper() not in _NO_DISKS}
    found = [_compared(live, "global", common, inside.settings)] if common else []
    if share:
        found += [_compared(live, name, share, settings) for name, settings in own.items()]
    for wanted, said in shares.items():
        named = {name: settings for name, settings in own.items() if name.lower() == wanted.lower()}
        found += [_compared(live, name, said, settings) for name, settings in named.items()] or [
            Finding(False, f"there is no share {wanted}")
        ]
    return Finding(
        all(one.in_effect for one in found),
        f"{NOT_ON_THE_WIRE}; the running server reads {'; '.join(one.evidence for one in found)}",
    )


_NO_DISKS = ("IPC$", "PRINT$", "PRINTERS")
"""Sections that a change of every share does not concern."""


def _compared(live: ReadsConf, section: str, wanted: Settings, actual: Settings) -> Finding:
    alone = Conf(wanted) if section == "global" else Conf(share=wanted)
    read, usual = live.reads(alone), live.reads(Conf())
    found: dict[str, str] = {}
    for parameter in wanted:
        named = [name for name in read if parameter_key(name) == parameter_key(parameter)]
        # One of two names: what it changes is shown under the other.
        found |= {name: read[name] for name in named or read if named or read[name] != usual.get(name)}
    where = "" if section == "global" else f"[{section}] "
    said = ", ".join(f"{name} = {actual.get(name, 'nothing')}" for name in found) or "none of these settings"
    return Finding(
        bool(found) and all(actual.get(name) == value for name, value in found.items()), f"{where}{said}"
    )
