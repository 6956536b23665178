"""Settings that nothing here knows, seen in what differs: what testparm reads of them, what the wire says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from harness.mitigations._asked import try_session
from harness.mitigations.base import NotApplicableError
from harness.model import Attempt, Dialect, Finding, Target
from harness.servers import lists
from harness.servers.base import Conf, Server, ServerState
from harness.servers.live import LiveServer, ReadsState
from harness.servers.parameters import meant, section_key
from harness.smb.control import AuthKind
from harness.smb.fingerprint import fingerprint

Make = Callable[[ServerState, Server], ServerState]
EVERY = "*"
"""No share has this name."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A parameter of smb.conf(5) in one section, or in each share."""

    parameter: str
    """By any of its names."""
    share: str = ""
    """"" for [global]."""
    each: bool = False
    """Every share on a disk, where none is called ``share``: that of ``EVERY`` is none."""

    def read(self, sections: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
        """What sections say of it: its section and name as they are shown -> value."""
        common = sections.get("global", {})
        shares = {name: own for name, own in sections.items() if name.lower() != "global"}
        chosen = {name: own for name, own in shares.items() if section_key(name) == section_key(self.share)}
        if self.each and not chosen:
            whole = Conf(common, sections=shares)
            chosen = {name: own for name, own in shares.items() if lists.on_disk(whole, name)}
        asked = (
            {f"[{name}] ": {**common, **own} for name, own in chosen.items()} if self.share else {"": common}
        )
        return {
            f"{where}{name}": value
            for where, settings in asked.items()
            for name, value in settings.items()
            if meant(name) == meant(self.parameter)
        }


def seen(live: LiveServer, asked: Iterable[Asked], make: Make) -> Finding:
    """Whether a server reads parameters as it would with the change; and its answers to offers.

    A word may be written in several ways (yes, true), a parameter may have two names: that release's own
    testparm is asked how it reads both configurations. Raises LabFault where it does not answer.
    """
    every = tuple(asked)
    names = ", ".join(one.parameter for one in every)
    if not isinstance(live, ReadsState):
        return Finding(False, f"{live.server.name} cannot be asked how it reads {names}", visible=False)
    here = live.reads_state(live.state)
    try:
        wanted = make(live.state, live.server)
    except NotApplicableError:
        # Taken out already: that is how it reads it now.
        wanted = live.state
    there = live.reads_state(wanted)
    if hidden := [one.parameter for one in every if not one.read(there) and not _gone(one, wanted.conf)]:
        return Finding(False, f"testparm does not show {', '.join(hidden)}", visible=False)
    told = (
        ", ".join(f"{name} = {value}" for name, value in one.read(here).items()) or f"no {one.parameter}"
        for one in every
    )
    return Finding(
        all(one.read(here) == one.read(there) for one in every),
        f"testparm reads {', '.join(told)}",
        wire=_wire(live.target) if live.state.running else {},
        by_configuration=True,
    )


def _gone(asked: Asked, conf: Conf) -> bool:
    """Whether testparm shows nothing because nothing is said: NAME:OPTION has no value that it would show."""
    if ":" not in asked.parameter:
        return False
    shares = {name: {**own, **conf.share} for name, own in (conf.sections or {"share": {}}).items()}
    return not asked.read({"global": conf.globals, **shares})


_WHO: Mapping[str, AuthKind] = {
    "a logon with the account": "NTLMv2",
    "a logon of an unknown user": "guest",
    "a logon without a name": "anonymous",
}


def _wire(target: Target) -> dict[str, str]:
    """What a server answers to offers and logons. Raises LabFault for garbage, and for no answer in time."""
    found = fingerprint(target)
    for who, auth in _WHO.items():
        made = try_session(target, dialects=tuple(Dialect), auth=auth)
        found[who] = f"{made.status or made.outcome} at {made.step}" if made.step else _session(made)
    return found


def _session(made: Attempt) -> str:
    how = [word for word, so in (("signed", made.signed), ("encrypted", made.encrypted)) if so]
    return " ".join([f"opens the share as {made.identity or 'nobody'} by {made.auth}", *how])
