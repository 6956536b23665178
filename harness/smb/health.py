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
    try:
        wire = Wire.connect(address, port, Deadline(seconds))
        try:
            wire.send(smb1_negotiate(_EVERYTHING))
            return f"answered {answered(wire.receive(), _EVERYTHING)}"
        finally:
            wire.close()
    except Refused as refusal:
        what = f"{refusal.status}: {refusal.detail}" if refusal.detail else refusal.status
        raise LabFault(f"the server at {address} port {port} is not healthy: {what}") from refusal
