"""NTLMv1 is accepted: by the server, and by the domain controller."""

from __future__ import annotations

from harness.exposures._logons import OldLogon, at_controller

_SOURCE = "smb.conf(5), ntlm auth; [MS-NLMP] 3.3.1"
_PERMITTED = {"ntlm auth": ("ntlmv1-permitted", "yes")}

EXPOSURES = (
    OldLogon(
        "NTLMv1",
        "ntlmv1-accepted",
        "NTLMv1 is accepted: its responses give the password's hash away",
        _SOURCE,
        _PERMITTED,
    ),
    OldLogon(
        "NTLMv1",
        "ntlmv1-accepted-by-dc",
        "the domain controller accepts NTLMv1: its responses give the password's hash away",
        _SOURCE,
        _PERMITTED,
        at_controller,
    ),
)
