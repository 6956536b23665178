"""A scheduler of Dask for rehearsals: TLS alone, no web pages, nobody's word without a certificate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from distributed import Scheduler
from distributed.security import Security

from harness.cluster.link import Link
from harness.errors import LabFault
from harness.system import tempdirs


class LabScheduler(Scheduler):
    """As Dask has it, without pages."""

    def start_http_server(self, *_: Any, **__: Any) -> None:
        """None: what a scheduler knows is told to those with a certificate."""


async def serve(link: Link, tell: Callable[[str], None]) -> None:
    """Be a scheduler at that address until cancelled. Raises LabFault where it cannot listen there."""
    security = link.security()
    with tempdirs.folder("scheduler") as home:
        await _serve(link, security, home, tell)


async def _serve(link: Link, security: Security, home: Path, tell: Callable[[str], None]) -> None:
    try:
        async with LabScheduler(
            # What Dask may write goes with the rest.
            local_directory=str(home),
            host=link.address.removeprefix("tls://").rpartition(":")[0].strip("[]"),
            port=int(link.address.rpartition(":")[2]),
            protocol="tls",
            security=security,
            dashboard=False,
        ) as scheduler:
            tell(f"scheduler {scheduler.address}: ready")
            await scheduler.finished()
    except (OSError, RuntimeError) as error:
        # Dask says of whatever keeps it from listening that it failed to start.
        why = error if isinstance(error, OSError) else error.__cause__
        if not isinstance(why, OSError):
            raise
        raise LabFault(f"{link.address}: {why.strerror or why}", "choose another address or port") from error
