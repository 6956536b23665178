"""LM is accepted."""

from __future__ import annotations

from harness.exposures._logons import OldLogon

EXPOSURES = (
    OldLogon(
        "LM",
        "lm-accepted",
        "LM is accepted: its responses give the password itself away",
        "smb.conf(5), lanman auth; [MS-NLMP] 3.3.1",
        {"ntlm auth": ("ntlmv1-permitted", "yes"), "lanman auth": ("yes",)},
    ),
)
