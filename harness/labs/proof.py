"""Showing from outside that a Samba is healthy, or really down: the same for every lab."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from typing import Final

from harness.errors import LabFault, Refused
from harness.model import Check, Outcome, StepName, Target
from harness.smb import control, health, served
from harness.smb.attempting import Log
from harness.system.deadline import pace, wait_for

SERVED = "a client was served just now"
_NO_SHARE: Final = ("STATUS_BAD_NETWORK_NAME", "STATUS_ACCESS_DENIED")
"""What a tree connect to a share gets that is not available: the second at [homes] (measured: 4.13, 4.22)."""


def serving(
    name: str,
    target: Target,
    *,
    serves: bool,
    alive: Callable[[], object],
    why: Callable[[], str] = str,
    seconds: float = 2.0,
) -> str:
    """A session, a tree connect and a listing by the lab's own client; says how it went.

    ``alive`` raises LabFault when the server's software is gone, which explains more than a lost connection.
    ``why`` is asked, where it does not serve, what its log says, and where that is; ``seconds`` are given to
    a server that keeps every client out.
    Raises LabFault when health cannot be shown.
    """
    longer = pace()
    made = control.control(replace(target, seconds=target.seconds * longer))
    if made.outcome is Outcome.OK:
        return f"the control client listed the share over SMB {made.dialect}"
    got = f"the control client got {made.status or made.note} at {made.step}"
    if serves:
        alive()
        raise LabFault(f"{name} does not serve: {got}", why())
    # A policy can keep every client out (guests off where all are guests); a server that answers
    # each step is healthy then. One that does not answer is not.
    try:
        answered = health.probe(target.address, target.port, seconds * longer)
    except LabFault:
        alive()
        raise
    return f"the server runs and {answered}; {got}"


def lacking(name: str, target: Target, *, alive: Callable[[], object], seconds: float = 2.0) -> str:
    """That a server serves whose share is not available: it logs on who comes, refuses that tree connect, and
    answers on IPC$, for which it needs no share of its own.

    ``alive`` and ``seconds`` as for ``serving``. Raises LabFault when that cannot be shown.
    """
    seconds *= pace()
    opened = served.look(target, Check.OPEN, seconds)
    if opened.made.step != StepName.TREE_CONNECT or opened.made.status not in _NO_SHARE:
        alive()
        raise LabFault(f"{name} should serve, but without the share {target.share}: {opened}")
    listed = served.look(target, Check.BROWSE, seconds)
    if listed.stuck is not None:
        alive()
        raise LabFault(f"{name} does not serve: {listed}")
    return f"the share {target.share} is not available ({opened.made.status}); on IPC$ {listed}"


def awaken(name: str, target: Target, up: Callable[[], bool], seconds: float) -> bool:
    """Wait for a server that was just started, and for what it starts late: neither is a client's fault.

    Whether it served the lab's own client in full: the pipe, and the share listed. ``up``: whether it is
    worth a try; raises LabFault when the server's software is gone.
    Raises LabFault when the server is not there within ``seconds``.
    """
    # From 4.16 on Samba's first pipe starts samba-dcerpcd, which takes up to 290 ms (measured). The disk is
    # opened over the same connection where the pipe was served, and that is the first one that is taken: each
    # connection is a process of smbd's.
    served = wait_for(
        f"{name} at {target.address}", lambda: _pipe_and_disk(target) if up() else None, seconds
    )
    if served is _Served.IN_PART:
        wait_for(f"{name}: its notifyd", lambda: not _lacks_notifyd(target), seconds)
    return served is _Served.IN_FULL


class _Served(Enum):
    """How a server took the first connection that it took at all."""

    IN_FULL = 1
    IN_PART = 2


# smbd takes connections before it knows its notifyd, and until then refuses the tree connect of a disk with
# this status (source3/smbd/service.c; its log: "No notify daemon around"). Measured with 4.13 on a busy
# machine: 0.6 s after it was "ready to serve connections".
_NO_NOTIFYD: Final = "STATUS_NO_MEMORY"


def _pipe_and_disk(target: Target) -> _Served | None:
    """Whether the list of shares came over a pipe, and the share was opened behind it.

    None where nobody took the connection.
    """
    log = Log()
    try:
        connection = control.connect(target, dialects=control.EVERY_DIALECT, log=log)
    except (Refused, LabFault):
        connected = any(step.name is StepName.CONNECT and step.ok for step in log.steps)
        return _Served.IN_PART if connected else None
    try:
        connection.browse(connection.connect_ipc(log), log)
        connection.open(log)
        return _Served.IN_FULL
    except (Refused, LabFault):
        return _Served.IN_PART
    finally:
        connection.close()


def _lacks_notifyd(target: Target) -> bool:
    opened = control.try_session(target, Check.OPEN, dialects=control.EVERY_DIALECT)
    return opened.status == _NO_NOTIFYD


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
