"""Cases from the field: public reports of SMB settings that were changed.

Each row is one public report: an old device after SMB1 went, a network disk with a capped dialect, a list
of shares that an upgrade emptied. docs/field-cases.md says what was measured of each, and which reports
cannot be rehearsed here and why.
"""

from harness.scenario import Scenario

SCENARIO = Scenario(
    includes=[
        "field-01-pipes-off-and-windows",
        "field-05-smb1-off-three-old-devices",
        "field-07-smb21-minimum",
        "field-08-capped-maximum",
        "field-09-smb1-only-and-newer-linux",
        "field-11-signing-required-and-guests",
        "field-12-macos-guest-and-signing",
        "field-14-one-pc-with-ntlmv1",
        "field-16-ntlm-off",
        "field-17-encryption-required",
        "field-19-aes256-only",
        "field-20-unsigned-tree-connect",
        "field-21-guest-with-a-password",
        "field-23-network-window-empty",
        "field-24-smbclient-complains-and-works",
        "field-26-curl",
        "field-27-a-client-of-smb21",
        "field-29-upgrade",
        "field-29-without-rpc-helpers",
    ],
)
