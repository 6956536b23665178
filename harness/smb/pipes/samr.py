"""The users of a server: SAMR enumeration, read only, over any named pipe. [MS-SAMR] 3.1.5.1 and 3.1.5.2."""

from __future__ import annotations

from collections.abc import Callable

from harness.smb.pipes.rpc import PipeTransport, calling

PIPE = "samr"
_BUILTIN = "Builtin"
# [MS-SAMR] 2.2.1: what looking at names needs, and nothing that changes anything.
_CONNECT_AND_LOOK = 0x00000030
_LIST_ACCOUNTS = 0x00000100
_MORE_ENTRIES = 0x00000105


def list_users(transceive: Callable[[bytes], bytes], read: Callable[[], bytes]) -> list[str]:
    """The first accounts that the server tells of its own domain (one answer's worth).

    Raises Refused when the server refuses a call, LabFault when it answers garbage.
    """
    # Large: workers have it preloaded.
    from impacket.dcerpc.v5 import samr
    from impacket.dcerpc.v5.rpcrt import DCERPC_v5

    with calling():
        remote = DCERPC_v5(PipeTransport(transceive, read))
        remote.bind(samr.MSRPC_UUID_SAMR)
        server = samr.hSamrConnect(remote, desiredAccess=_CONNECT_AND_LOOK)["ServerHandle"]
        domains = samr.hSamrEnumerateDomainsInSamServer(remote, server)["Buffer"]["Buffer"]
        names = [str(domain["Name"]) for domain in domains]
        own = next(name for name in names if name != _BUILTIN)
        sid = samr.hSamrLookupDomainInSamServer(remote, server, own)["DomainId"]
        domain = samr.hSamrOpenDomain(remote, server, desiredAccess=_LIST_ACCOUNTS, domainId=sid)
        try:
            found = samr.hSamrEnumerateUsersInDomain(remote, domain["DomainHandle"])
        except samr.DCERPCSessionError as more:
            # What fits into one answer comes with this status, and impacket takes it for an error.
            if more.get_error_code() != _MORE_ENTRIES:
                raise
            found = more.get_packet()
        return [str(user["Name"]) for user in found["Buffer"]["Buffer"]]
