"""What a domain controller says to a machine that knows no AES for its secure channel. [MS-NRPC] 3.5.4.4.2.

One challenge and one proof of random bytes without the AES bit, as a machine of before 2008 sends them. A
domain controller that rejects such machines says so before it looks at the proof. The proof is wrong, so
that nobody is let in either way.
"""

from __future__ import annotations

import secrets
from contextlib import closing

from harness.errors import Refused
from harness.model import STATUS_OK, Dialect, Target
from harness.smb import control
from harness.smb.attempting import Log
from harness.smb.pipes.rpc import PipeTransport, calling

PIPE = "netlogon"
DOWNGRADE = "STATUS_DOWNGRADE_DETECTED"
"""The answer of a domain controller that takes nothing but AES."""
_WITHOUT_AES = 0x600FFFFF
"""[MS-NRPC] 3.1.4.2: secure RPC, strong keys and what Windows Server 2003 knew; not bit W, which is AES."""


def without_aes(controller: Target, machine: str) -> str:
    """The status that the account of a machine (its host name in capitals) gets there.

    ``controller``: the domain controller by its name, and a user of the domain. Raises Refused where its pipe
    cannot be had, LabFault for garbage.
    """
    # Large: loaded where it is asked.
    from impacket.dcerpc.v5 import nrpc
    from impacket.dcerpc.v5.rpcrt import DCERPC_v5

    log = Log()
    with closing(
        control.connect(controller, dialects=tuple(Dialect), auth="Kerberos", log=log)
    ) as connection:
        session = connection.session
        pipe = session.open_pipe(connection.connect_ipc(log), PIPE)
        remote = DCERPC_v5(
            PipeTransport(lambda data: session.transceive(pipe, data), lambda: session.read_pipe(pipe))
        )
        try:
            with calling():
                remote.bind(nrpc.MSRPC_UUID_NRPC)
                nrpc.hNetrServerReqChallenge(remote, "\0", f"{machine}\0", secrets.token_bytes(8))
                nrpc.hNetrServerAuthenticate3(
                    remote,
                    "\0",
                    f"{machine}$\0",
                    nrpc.NETLOGON_SECURE_CHANNEL_TYPE.WorkstationSecureChannel,
                    f"{machine}\0",
                    secrets.token_bytes(8),
                    _WITHOUT_AES,
                )
        except Refused as refusal:
            return refusal.status
    return STATUS_OK
