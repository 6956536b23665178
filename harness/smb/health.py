"""Is a server alive? One connection and one NEGOTIATE that any SMB server can answer."""

from __future__ import annotations

from harness.errors import LabFault, Refused
from harness.smb.negotiation import answered
from harness.smb.offer import SMB2_ANY, SMB2_FIRST, Smb1Hello, smb1_negotiate
from harness.smb.wire import Wire
from harness.system.deadline import Deadline

_EVERYTHING = Smb1Hello(("NT LM 0.12", SMB2_FIRST, SMB2_ANY))


def probe(address: str, port: int = 445, seconds: float = 2.0) -> str:
    """What a healthy server answers, e.g. "answered 2.FF" or "answered NT LM 0.12".

    Raises LabFault, saying what happened, when it does not pick a dialect within ``seconds``.
    """
    where = f"{address} port {port}"
    try:
        wire = Wire.connect(address, port, Deadline(seconds))
    except Refused as refusal:
        raise _ill(where, refusal) from refusal
    return asked(wire, where)


def asked(wire: Wire, where: str) -> str:
    """The same over a connection that there is, which is closed then; ``where`` it leads to, for people."""
    try:
        wire.send(smb1_negotiate(_EVERYTHING))
        return f"answered {answered(wire.receive(), _EVERYTHING)}"
    except Refused as refusal:
        raise _ill(where, refusal) from refusal
    finally:
        wire.close()


def _ill(where: str, refusal: Refused) -> LabFault:
    what = f"{refusal.status}: {refusal.detail}" if refusal.detail else refusal.status
    return LabFault(f"the server at {where} is not healthy: {what}")
