"""Changes that get in each other's way, or do less than their name says.

Four cases that hardening guides warn of, each measured: with named pipes off, the shares are still listed
over SMB1; SMB1 removed and guests refused break a network disk twice; signing required shuts out guests; and
the word SMB3 in smb.conf means SMB 3.1.1. The end of the report says what was seen of each.
"""

from harness.scenario import Scenario

SCENARIO = Scenario(
    includes=[
        "interactions-1-pipes-and-rap",
        "interactions-2-nas-broken-twice",
        "interactions-3-signing-and-guests",
        "interactions-4-the-word-smb3",
    ],
)
