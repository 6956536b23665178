"""What a server in the lab's domain does about its domain controller, wherever the server itself runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace

from harness.labs.domain.controller import Controller
from harness.labs.domain.own import OwnDomain
from harness.servers.base import ServerState
from harness.servers.in_domain import DC, Directory


class WithController(ABC):
    """A part of a server's class: it has a domain of its own, and that domain's controller."""

    state: ServerState
    controller: Controller
    _domain: OwnDomain

    def prove_domain(self, *, answers: bool) -> None:
        """See ``HasDomain``."""
        if answers:
            self.controller.prove()
        else:
            self.controller.alive()

    def _tell_directory(self, wanted: Directory) -> None:
        """Raises LabFault."""
        if wanted != self.state.directory:
            self._domain.tell(self.controller, wanted)
            self.state = replace(self.state, directory=wanted)


class BesideController(WithController):
    """A part of a member's class: its domain controller is a program beside it, started first."""

    def _start_controller(self) -> None:
        """Raises LabFault where it does not answer."""
        self._domain.copy(DC.host, self.controller.place.outside)
        self.controller.write(self._controller_text(self.state))
        self.controller.start()

    def _change_domain(self, state: ServerState) -> None:
        """Have directory and domain controller as the state says. Raises LabFault."""
        self._tell_directory(state.directory)
        if state.controller != self.state.controller:
            self.controller.stop()
            self.controller.write(self._controller_text(state))
            self.controller.start()
            self.state = replace(self.state, controller=state.controller)
            self._joined()

    @abstractmethod
    def _controller_text(self, state: ServerState) -> str:
        """The smb.conf(5) of the domain controller."""

    @abstractmethod
    def _joined(self) -> None:
        """Wait for the member's secure channel to it. Raises LabFault."""
