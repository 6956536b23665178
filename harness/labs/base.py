"""What every lab offers to the conductor: it starts servers, and stops them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

from harness.servers.base import Server
from harness.servers.live import LiveServer


class Lab(Protocol):
    """Where servers and clients live."""

    @property
    def name(self) -> str: ...

    def serve(self, server: Server) -> AbstractContextManager[LiveServer]:
        """Start a server of its own; it is stopped when the context ends, on every path."""


@runtime_checkable
class OnOneWire(Protocol):
    """A lab all of whose packets can be recorded here."""

    @property
    def device(self) -> str:
        """The network device that each of them passes once; "" where this machine has none such."""


@runtime_checkable
class LabOfMachines(Lab, Protocol):
    """A lab whose servers take long to start, and memory."""

    def waves(self, servers: Sequence[Server]) -> Mapping[str, int]:
        """By a server's name, the wave that it runs in: those of one fit into the memory together.

        Raises LabFault when one alone does not fit.
        """

    def interrupt(self) -> None:
        """Let no thread wait any longer: the run is being stopped. May be called by a signal handler."""
