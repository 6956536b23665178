"""What stands in the persona of a client that is like none of ours, where the capture shows nothing.

A persona file leaves no field open. These values claim as little as can be: no limit, no requirement, no
words for people. Each is told as an assumption.
"""

from __future__ import annotations

from typing import Final

from harness.learn.facts import Facts, Table, Value
from harness.model import Dialect

_SMB2: Final[Table] = {
    "dialects": [Dialect.SMB2_02.value],
    "security_mode": 1,
    "capabilities": 0,
    "contexts": [],
    "pid": 0xFEFF,
    "credit_charge": 0,
    "credits": 0,
    "flags": 0,
}
_EXTENDED: Final = 0x0800
_UNICODE: Final = 0x8000
_CAP_EXTENDED: Final = 0x80000000


def table(facts: Facts) -> Table:
    """A persona file's fields, with the offer still to be laid over it."""
    fields = facts.fields
    smb2 = any(name.startswith("smb2_negotiate.") for name in fields)
    smb1 = any(name.startswith(("smb1_negotiate.", "smb1_session.")) for name in fields)
    return {
        "name": "",
        "title": "",
        "fidelity": "",
        "smb1_removable": "",
        "signing": "if-required",
        "sees_like": "",
        "sees": {},
        "smb1_negotiate": None,
        "smb2_negotiate": dict(_SMB2) if smb2 else None,
        "smb1_session": _session(fields.get("smb1_negotiate.flags2")) if smb1 else None,
        # Of NTLM the one that loses first where SMB1 is all that it offers: a loss is shown, not a comfort.
        "ntlm": {
            "level": "NTLMv2" if smb2 else "NTLMv1",
            "flags": 0x60088215,
            "version": [0, 0, 0],
            "spnego": True,
        },
        "habits": {"open": ["ipc", "share", "list"], "browse": ["ipc", "srvsvc"]},
        "policy": {
            "smb1": smb1,
            "min_dialect": Dialect.NT1.value if smb1 else Dialect.SMB2_02.value,
            "max_dialect": Dialect.SMB3_11.value if smb2 else Dialect.NT1.value,
            "require_signing": False,
            "require_encryption": False,
            "guest": True,
            "ntlmv2_only": False,
        },
    }


def _session(flags2: Value) -> Table:
    """A session set up as its NEGOTIATE announced: with extended security and Unicode, or without."""
    announced = flags2 if isinstance(flags2, int) else _EXTENDED | _UNICODE
    return {
        "flags2": announced,
        "capabilities": 0x54 | (_CAP_EXTENDED if announced & _EXTENDED else 0),
        "max_mpx": 1,
        "native_os": "",
        "native_lanman": "",
    }
