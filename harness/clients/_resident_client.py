"""A client that lives in a resident helper process: what jcifs, Node.js and libsmb2 have in common."""

from __future__ import annotations

import secrets
from abc import abstractmethod
from collections.abc import Mapping

from harness.clients import _process as process
from harness.clients import _resident
from harness.clients._process import Goal
from harness.clients._resident import Helper
from harness.clients.base import Client, ClientSetting, Log, Offer
from harness.errors import Unsupported
from harness.model import Check, ClientPolicy, Fidelity, StepName, Target
from harness.smb import sink
from harness.system import client_image as programs


class ResidentClient(Client):
    """Does each check in one request to its helper, through a tap; the wire decides how it went."""

    fidelity = Fidelity.REAL
    image = programs.IMAGE
    has = frozenset({ClientSetting.TCP_PORT})
    goals: Mapping[Check, Goal]
    """What must be seen on the wire for each check that it can do."""
    patience: float
    """Seconds after which its user is shown a timeout, should the client itself wait for longer."""
    wavers: frozenset[Check] = frozenset()
    """The checks that it is known to do only sometimes."""
    domain_in_name: bool = False
    """Its user writes the domain before the account's name."""
    env: Mapping[str, str] = {}
    """What its program needs in its environment."""

    @abstractmethod
    def command(self) -> tuple[str, ...]:
        """The command line of its helper, inside the image."""

    @abstractmethod
    def settings(self, policy: ClientPolicy) -> Mapping[str, str]:
        """What its helper is told for a policy. Raises Unsupported for what it has no setting for."""

    def software(self, target: Target | None = None) -> str:
        here = target is not None and target.program(self.image, "") is not None
        return _resident.software(self._helper(target)) if target and here else ""

    def perform(self, check: Check, target: Target, policy: ClientPolicy, log: Log) -> None:
        request = self._request(check, target, policy)
        ran = process.resident_through_tap(
            self._helper(target), lambda port: {**request, "port": str(port)}, target, self.patience
        )
        log.wavers = check in self.wavers
        process.judge(ran, self.goals[check], policy, log)
        if check in (Check.WRITE, Check.RENAME) and ran.result.stdout != request["text"]:
            raise process.muddled(ran, log)

    def offer(self, policy: ClientPolicy, target: Target) -> Offer:
        request = self._request(Check.OPEN, target, policy)
        helper = self._helper(target)
        _resident.ensure(helper)
        return sink.observe(
            lambda _, port: _resident.ask(helper, {**request, "port": str(port)}, self.patience),
            self.patience,
        )

    def _request(self, check: Check, target: Target, policy: ClientPolicy) -> dict[str, str]:
        if check not in self.goals:
            raise Unsupported(f"{self.name} cannot {check}")
        # Attempts run side by side on one share; none may meet the file of another.
        file = f"rehearsal-{secrets.token_hex(6)}.txt"
        return {
            **self.settings(policy),
            "check": str(check),
            "share": target.share,
            "user": target.account if self.domain_in_name else target.user,
            "domain": target.workgroup,
            "password": target.password,
            "file": file,
            "renamed": f"renamed-{file}",
            "text": f"rehearsal {file}",
        }

    def _helper(self, target: Target) -> Helper:
        # The kernel forgets whom to die with when a program changes its user (prctl(2)), as chroot(1) does
        # for the lab; so a setpriv(1) of the image asks for it after that.
        enter = process.program(target, self.image, "/usr/bin/setpriv")
        argv = (*enter, "--pdeathsig", "KILL", "--", *self.command())
        return Helper(self.name, argv, tuple(self.env.items()))


LISTS_SHARES = (StepName.TREE_CONNECT_IPC, StepName.ENUMERATE_SHARES)
LISTS_FILES = (StepName.TREE_CONNECT, StepName.LIST)
WRITES = (StepName.TREE_CONNECT, StepName.CREATE, StepName.WRITE, StepName.READ, StepName.DELETE)
RENAMES = (*WRITES[:3], StepName.RENAME, *WRITES[3:])
