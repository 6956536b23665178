"""See who owns the share's folder, as the Security tab of its properties does.

The descriptor of the folder comes over the share; the name of the owner, who is a SID in it, is asked for on
the pipe lsarpc of IPC$. Where that is refused people see S-1-5-21-... in the place of a name.
"""

from __future__ import annotations

from harness.checks import StepName
from harness.smb import security
from harness.smb.attempting import Log
from harness.smb.pipes import lsarpc
from harness.smb.prober import Connection

INFERRED = (
    "that it asks for owner, group and DACL of the folder, and for the name by LsarLookupSids on the same "
    "connection [inferred: no capture of this kind of client showing the Security tab was found]"
)


def do(connection: Connection, log: Log) -> None:
    """Raises Refused at the step that is stopped, LabFault for garbage."""
    log.inferred = log.inferred or INFERRED
    tree = connection.reach_share(log)
    with log.step(StepName.QUERY_SECURITY):
        sid = security.owner(connection.session.root_security(tree))
    connection.call(connection.connect_ipc(log), lsarpc.PIPE, StepName.LOOKUP_SIDS, log, lsarpc.name_of, sid)
