"""Connect to a printer of the server and send it a job.

Windows does it over the pipe spoolss of IPC$ ([MS-RPRN]); others open the printer like a share and write the
job into a file of it, which needs no pipe ([MS-SMB2] 3.3.5.9, [MS-CIFS] 2.2.4.67).
"""

from __future__ import annotations

from harness.checks import StepName
from harness.errors import Unsupported
from harness.smb import trial
from harness.smb.attempting import Log
from harness.smb.pipes import spoolss
from harness.smb.prober import Connection
from harness.smb.session import Prints

INFERRED = (
    "that it sends a job by the calls of [MS-RPRN] over the pipe spoolss, or writes it into the printer's "
    "share [inferred: no capture of this kind of client printing to Samba was found]"
)


def do(connection: Connection, log: Log) -> None:
    """Raises Refused at the step that is stopped, Unsupported on a server without a printer."""
    log.inferred = log.inferred or INFERRED
    printer, name = connection.printer, trial.new_name()
    if not printer:
        raise Unsupported("this lab gives the server no printer")
    if connection.prints is Prints.SPOOLSS:
        path = f"\\\\{connection.address}\\{printer}"
        ipc = connection.connect_ipc(log)
        connection.call(
            ipc,
            spoolss.PIPE,
            StepName.PRINT,
            log,
            lambda ask, read, about: spoolss.send(ask, read, about, name, trial.CONTENT),
            path,
        )
        return
    with log.step(StepName.TREE_CONNECT):
        tree = connection.connect_to(printer, log)
    session = connection.session
    with log.step(StepName.CREATE):
        file = session.create(tree, name)
    with log.step(StepName.WRITE):
        session.write(file, trial.CONTENT)
        # The job is handed on when its file is closed.
        session.close(file)
