"""Names of SIDs: LSAT over any named pipe, read only. [MS-LSAT] 3.1.4.9 to 3.1.4.11."""

from __future__ import annotations

from collections.abc import Callable

from harness.errors import Refused
from harness.smb.pipes.rpc import PipeTransport, calling

PIPE = "lsarpc"
_LOOKUP_NAMES = 0x00000800
"""POLICY_LOOKUP_NAMES, [MS-LSAD] 2.2.1.1.2: nothing that changes anything."""
_UNKNOWN = 8
"""SidTypeUnknown, [MS-LSAT] 2.2.13."""


def name_of(transceive: Callable[[bytes], bytes], read: Callable[[], bytes], sid: str) -> str:
    """``DOMAIN\\name`` of a SID.

    Raises Refused when the server refuses a call or knows no such SID, LabFault when it answers garbage.
    """
    # Large: workers have it preloaded.
    from impacket.dcerpc.v5 import lsad, lsat
    from impacket.dcerpc.v5.rpcrt import DCERPC_v5

    with calling():
        remote = DCERPC_v5(PipeTransport(transceive, read))
        remote.bind(lsat.MSRPC_UUID_LSAT)
        policy = lsad.hLsarOpenPolicy2(remote, _LOOKUP_NAMES)["PolicyHandle"]
        found = lsat.hLsarLookupSids(remote, policy, [sid])
        (name,) = found["TranslatedNames"]["Names"]
        if name["Use"] == _UNKNOWN:
            raise Refused("STATUS_NONE_MAPPED", detail=f"the server has no name for {sid}")
        domain = found["ReferencedDomains"]["Domains"][name["DomainIndex"]]["Name"]
        return f"{domain}\\{name['Name']}"
