"""Showing from outside that a Samba is healthy, or really down: the same for every lab."""

from __future__ import annotations

import socket
from collections.abc import Callable

from harness.errors import LabFault
from harness.model import Outcome, Target
from harness.smb import control, health

SERVED = "a client was served just now"


def serving(
    name: str,
    target: Target,
    *,
    serves: bool,
    alive: Callable[[], object],
    where: str = "",
    seconds: float = 2.0,
) -> str:
    """A session, a tree connect and a listing by the lab's own client; says how it went.

    ``alive`` raises LabFault when the server's software is gone, which explains more than a lost connection.
    ``where`` is the place of its log; ``seconds`` are given to a server that keeps every client out.
    Raises LabFault when health cannot be shown.
    """
    made = control.control(target)
    if made.outcome is Outcome.OK:
        return f"the control client listed the share over SMB {made.dialect}"
    got = f"the control client got {made.status or made.note} at {made.step}"
    if serves:
        alive()
        raise LabFault(f"{name} does not serve: {got}", f"its log is in {where}" if where else "")
    # A policy can keep every client out (guests off where all are guests); a server that answers
    # each step is healthy then. One that does not answer is not.
    try:
        answered = health.probe(target.address, target.port, seconds)
    except LabFault:
        alive()
        raise
    return f"the server runs and {answered}; {got}"


def listens(target: Target) -> bool:
    """True when a TCP connection can be made; through a tunnel, when one stays for a second.

    A tunnel takes every connection, and closes it when the server has refused it. An SMB server waits for the
    client to speak.
    """
    with socket.socket() as probe:
        probe.settimeout(1.0)
        if probe.connect_ex((target.address, target.port)) != 0:
            return False
        if not target.tunnel:
            return True
        try:
            return probe.recv(1) != b""
        except TimeoutError:
            return True
        except OSError:
            return False


def silent(name: str, target: Target) -> str:
    """That nothing listens any more. Raises LabFault when something does."""
    if listens(target):
        raise LabFault(f"{name} still listens although it was stopped")
    return f"no server runs and nothing listens on port {target.port}"
