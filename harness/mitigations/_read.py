"""A setting that nothing here knows, seen in what differs: what testparm reads of it, what the wire says."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from harness.mitigations._asked import try_session
from harness.mitigations.base import NotApplicableError
from harness.model import Attempt, Dialect, Finding, Target
from harness.servers.base import Server, ServerState
from harness.servers.live import LiveServer, ReadsState
from harness.servers.parameters import meant
from harness.smb.control import AuthKind
from harness.smb.fingerprint import fingerprint

Make = Callable[[ServerState, Server], ServerState]


def seen(live: LiveServer, share: str, parameter: str, make: Make) -> Finding:
    """Whether a server reads a parameter as it would with the change; and its answers to offers.

    ``share`` is its section, "" for [global]. Raises LabFault where testparm does not answer.
    """
    if not isinstance(live, ReadsState):
        return Finding(False, f"{live.server.name} cannot be asked how it reads {parameter}", visible=False)
    now = _of(live.reads_state(live.state), share, parameter)
    try:
        wanted = make(live.state, live.server)
    except NotApplicableError:
        # Taken out already: that is how it reads it now.
        wanted = live.state
    then = _of(live.reads_state(wanted), share, parameter)
    told = ", ".join(f"{where}{parameter} = {value}" for where, value in now.items())
    if not then:
        return Finding(False, f"testparm does not show {parameter}", visible=False)
    return Finding(
        now == then,
        f"testparm reads {told or f'no {parameter}'}",
        wire=_wire(live.target) if live.state.running else {},
        by_configuration=True,
    )


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


def _of(sections: Mapping[str, Mapping[str, str]], share: str, parameter: str) -> dict[str, str]:
    """What sections say of a parameter, by section; a share that is none of them stands for each of them."""
    common = sections.get("global", {})
    shares = {name: own for name, own in sections.items() if name.lower() != "global"}
    named = {name: own for name, own in shares.items() if name.lower() == share}
    chosen = named or shares
    asked: dict[str, Mapping[str, str]] = {f"[{one}] ": {**common, **own} for one, own in chosen.items()}
    if not share:
        asked = {"": common}
    found = {}
    for where, settings in asked.items():
        for name, value in settings.items():
            if meant(name) == meant(parameter):
                found[where] = value
    return found
