"""What a lab writes into its folders: what the disk refuses there is a fault of the lab, in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import LabFault


@contextmanager
def writing(to: Path) -> Iterator[None]:
    """Around what is written to a file or a folder. Raises LabFault, which names it, for an OSError."""
    try:
        yield
    except OSError as error:
        raise LabFault(f"{to}: {error.strerror or error}", "make room or choose --runs") from error
