"""SMB over QUIC: UDP port 443, TLS 1.3 with the server's certificate, ALPN "smb", SMB's frames as over TCP.

[MS-SMB2] 2.1: one bidirectional stream carries what a TCP connection would, with its header of 4 bytes. QUIC
and TLS themselves are the library's (aioquic).
"""

from __future__ import annotations

from typing import Final

PORT: Final = 443
ALPN: Final = "smb"
"""[MS-SMB2] 2.1, and what Samba's client offers (source3/libsmb, 4.23; measured with 4.25)."""
