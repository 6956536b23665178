"""Write a file, read it back, delete it."""

from __future__ import annotations

from contextlib import suppress

from harness.checks import StepName
from harness.errors import LabFault, Refused
from harness.smb import trial
from harness.smb.attempting import Log
from harness.smb.prober import Connection


def do(connection: Connection, log: Log) -> None:
    """Raises Refused at the step that is stopped, LabFault when the file comes back changed."""
    session = connection.session
    name = trial.new_name()
    tree = connection.reach_share(log)
    with log.step(StepName.CREATE):
        file = session.create(tree, name)
    try:
        with log.step(StepName.WRITE):
            session.write(file, trial.CONTENT)
        with log.step(StepName.READ):
            content = session.read(file, len(trial.CONTENT))
    except (Refused, LabFault):
        # Leave nothing behind; the refusal is what counts.
        with suppress(Refused, LabFault):
            session.delete(file, name)
        raise
    with log.step(StepName.DELETE):
        session.delete(file, name)
    trial.compare(name, content)
