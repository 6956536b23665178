"""How a SLES 11 Samba 3.6 behaves on the wire, by configuring a Samba that is still packaged."""

from __future__ import annotations

from harness.model import Dialect, Evidence, Fidelity
from harness.servers.base import Conf, Server

SERVERS = (
    Server(
        "sles11-like",
        "SMB1 only, NTLMv1 allowed, as SLES 11's Samba 3.6 by default (configured on Samba 4.13)",
        "bullseye",
        Conf(
            {
                "server max protocol": "NT1",
                "server min protocol": "NT1",
                "ntlm auth": "ntlmv1-permitted",
                "lanman auth": "no",
                "server signing": "disabled",
            }
        ),
        fidelity=Fidelity.CONFIGURED,
        emulates="SUSE Linux Enterprise Server 11, Samba 3.6.3",
        highest=Dialect.SMB2_02,
        upgrades={"vendor-patch": "bullseye-security", "release-upgrade": "bookworm"},
        evidence=(
            Evidence("Samba 3.6 serves at most NT1 by default", "WHATSNEW of Samba 3.6.0"),
            Evidence(
                "Samba 3.6: ntlm auth = yes, lanman auth = no, server signing off by default",
                "source of Samba 3.6.0 to 3.6.25, param/loadparm.c",
            ),
            Evidence(
                "Samba 3.6 can be told to speak SMB 2.0.2 (max protocol = SMB2), nothing newer",
                "WHATSNEW of Samba 3.6.0",
            ),
            Evidence(
                "differs from 3.6: an SMB2-only NEGOTIATE is closed at once by 3.6, and the replies' "
                "version strings are those of 4.13",
                "source of Samba 3.6.3, smbd/process.c",
            ),
        ),
    ),
)
