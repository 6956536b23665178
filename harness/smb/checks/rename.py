"""Rename a file within the share, as a file manager does it: the file is closed, and opened for that alone.

Over SMB2 by CREATE with the right to delete, SET_INFO with FileRenameInformation, CLOSE ([MS-SMB2] 3.2.4.8,
[MS-FSCC] 2.4.43); over SMB1 by SMB_COM_RENAME ([MS-CIFS] 2.2.4.8).
"""

from __future__ import annotations

from harness.checks import StepName
from harness.errors import LabFault, Refused
from harness.smb import trial
from harness.smb.attempting import Log
from harness.smb.prober import Connection

INFERRED = (
    "that it renames by the requests of [MS-SMB2] 3.2.4.8 or [MS-CIFS] 2.2.4.8 "
    "[inferred: no capture of this kind of client renaming a file was found]"
)


def do(connection: Connection, log: Log) -> None:
    """Raises Refused at the step that is stopped, LabFault when the new name has another content."""
    log.inferred = log.inferred or INFERRED
    session = connection.session
    name, new = trial.new_name(), trial.new_name()
    tree = connection.reach_share(log)
    with log.step(StepName.CREATE):
        file = session.create(tree, name)
    try:
        with log.step(StepName.WRITE):
            session.write(file, trial.CONTENT)
            session.close(file)
        with log.step(StepName.RENAME):
            session.rename(tree, name, new)
        with log.step(StepName.READ):
            file = session.open_file(tree, new)
            content = session.read(file, len(trial.CONTENT))
    except (Refused, LabFault):
        connection.discard(tree, name, new)
        raise
    with log.step(StepName.DELETE):
        session.delete(file, new)
    trial.compare(new, content)
