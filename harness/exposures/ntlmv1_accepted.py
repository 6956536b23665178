"""NTLMv1 is accepted."""

from __future__ import annotations

from harness.exposures._logons import OldLogon

EXPOSURES = (
    OldLogon(
        "NTLMv1",
        "ntlmv1-accepted",
        "NTLMv1 is accepted: its responses give the password's hash away",
        "smb.conf(5), ntlm auth; [MS-NLMP] 3.3.1",
        {"ntlm auth": ("ntlmv1-permitted", "yes")},
    ),
)
