"""A server reached by QUIC, as steps of an attempt: ``quic-connect``, ``tls``, and then SMB as over TCP."""

from __future__ import annotations

from harness.errors import Refused
from harness.model import STATUS_OK, Step, StepName, Target
from harness.smb import footprint, health
from harness.smb.attempting import Log
from harness.smb.quic.dialing import UNLOOKED, dial
from harness.smb.wire import Wire
from harness.system.deadline import Deadline


def reach(target: Target, log: Log) -> Wire:
    """Connect by QUIC to a server that has it, by the name that it is called. Raises Refused as ``dial``."""
    assert target.quic is not None
    deadline = Deadline(target.seconds)
    try:
        made = dial(target.address, target.quic.port, target.called, target.quic.authority, deadline)
    except Refused as refusal:
        if refusal.step is StepName.TLS:
            log.steps.append(Step(StepName.QUIC_CONNECT, STATUS_OK, 0.0))
        with log.step(refusal.step or StepName.QUIC_CONNECT):
            raise
    log.steps.append(Step(StepName.QUIC_CONNECT, STATUS_OK, made.answered_ms))
    log.steps.append(Step(StepName.TLS, STATUS_OK, made.shaken_ms, made.certificate))
    footprint.came_from(made.end[0], [made.end[1]])
    return Wire(made.stream, deadline)


def asked(address: str, port: int, name: str, where: str, seconds: float) -> tuple[str, str]:
    """What a server says to a NEGOTIATE over QUIC, whatever certificate it shows; and that certificate.

    ``where``: it leads to, for people. Raises Refused as ``dial``, LabFault where it answers no NEGOTIATE.
    """
    deadline = Deadline(seconds)
    made = dial(address, port, name, UNLOOKED, deadline)
    return health.asked(Wire(made.stream, deadline), where), made.certificate
