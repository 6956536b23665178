"""Which machines a job takes, in which order, and what their clients' cells come to; nothing is started."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace

import pytest
from known import CATALOGUE

from harness.clients.base import Client, Log, Offer
from harness.conduct.client_machines import ClientMachines
from harness.conduct.workers import Done, Order
from harness.errors import LabFault, RunStopped, Unsupported
from harness.model import Attempt, Check, ClientPolicy, Fidelity, Outcome, Phase, Target
from harness.result import Already
from harness.system.deadline import wait_for

TARGET = Target("127.0.0.1", "share", "user", "password")


class Owner(Client):
    """A client with a machine that does what the test says."""

    title = "a client of the tests"
    fidelity = Fidelity.REAL
    checks = frozenset({Check.OPEN})

    def __init__(self, name: str, guest: str, log: list[str], broken: BaseException | None = None) -> None:
        self.name = name
        self.guest = guest
        self._log = log
        self._broken = broken
        self.one_at_a_time = True

    def software(self, target: Target | None = None) -> str:  # noqa: ARG002
        return ""

    def perform(self, check: Check, target: Target, policy: ClientPolicy, log: Log) -> None:
        raise NotImplementedError

    def offer(self, policy: ClientPolicy, target: Target) -> Offer:  # noqa: ARG002
        return Offer(("NT LM 0.12",) if policy.smb1 else ())

    @contextmanager
    def machine(self, policy: ClientPolicy, target: Target) -> Iterator[Mapping[str, str]]:  # noqa: ARG002
        self._log.append(f"take {self.name}")
        if self._broken is not None:
            raise self._broken
        try:
            yield {"SMB1": str(policy.smb1)}
        finally:
            self._log.append(f"leave {self.name}")


class Rig:
    def __init__(self, **broken: BaseException) -> None:
        self.log: list[str] = []
        guests = {"b": "guest-1", "a": "guest-2", "c": "guest-1"}
        self.clients = {
            name: Owner(name, guest, self.log, broken.get(name)) for name, guest in guests.items()
        }
        self.failed: dict[tuple[Phase, str], Attempt] = {}
        first = {name: client.policy for name, client in self.clients.items()}
        self.side = ClientMachines(
            self.clients, CATALOGUE.mitigation("smb1-client-off"), first, lambda: TARGET, self._fail
        )
        self.first = first

    def _fail(self, phase: Phase, name: str, made: Attempt) -> None:
        self.failed.setdefault((phase, name), made)


def test_machines_are_taken_in_the_order_of_their_names() -> None:
    """Whatever the order of the cells: two jobs that want the same ones begin with the same one."""
    rig = Rig()
    with rig.side.ready(Phase.BASELINE, rig.first):
        assert rig.log == ["take b", "take c", "take a"]
    assert rig.log[3:] == ["leave a", "leave c", "leave b"]


def test_a_machine_that_cannot_be_had_costs_its_client_alone() -> None:
    rig = Rig(b=LabFault("it hangs", "look at it"), c=Unsupported("no such setting"))
    with rig.side.ready(Phase.APPLIED, rig.side.changed()):
        assert rig.failed == {
            (Phase.APPLIED, "b"): Attempt.fault("it hangs; look at it"),
            (Phase.APPLIED, "c"): Attempt(Outcome.UNSUPPORTED, note="no such setting"),
        }
        assert rig.side.took_effect() == ["a offers on the wire: no SMB1-framed NEGOTIATE"]
    assert rig.log[-1] == "leave a"


@pytest.mark.parametrize(
    ("where", "log"),
    [("b", ["take b"]), ("a", ["take b", "take c", "take a", "leave c", "leave b"])],
)
def test_a_run_that_is_stopped_leaves_all(where: str, log: list[str]) -> None:
    rig = Rig(**{where: RunStopped()})
    with pytest.raises(RunStopped), rig.side.ready(Phase.BASELINE, rig.first):
        pytest.fail("it began")
    assert rig.log == log
    assert rig.failed == {}


def test_what_was_not_seen_before_is_not_shown_to_be_gone() -> None:
    rig = Rig()
    with rig.side.ready(Phase.ROLLED_BACK, rig.first):
        assert rig.side.came_back() == []
    assert rig.failed[Phase.ROLLED_BACK, "a"].note == "it was not seen what a was before smb1-client-off"


def test_each_client_is_looked_at_before_under_and_after_the_change() -> None:
    rig = Rig()
    with rig.side.ready(Phase.BASELINE, rig.first):
        rig.side.remember()
    with rig.side.ready(Phase.APPLIED, rig.side.changed()):
        assert len(rig.side.took_effect()) == 3
    with rig.side.ready(Phase.ROLLED_BACK, rig.first):
        told = rig.side.came_back()
    assert told[0] == "b offers on the wire: NT LM 0.12"
    assert told[1].startswith("the machine of b: fingerprint ")
    assert len(told) == 6
    assert rig.failed == {}


def test_an_attempt_waits_for_the_one_before_it_at_its_own_machine() -> None:
    rig = Rig()
    rig.clients["a"].one_at_a_time = False
    sent: list[Future[Done]] = []
    done = Done(Attempt(Outcome.OK))

    def send(order: Order) -> Future[Done]:  # noqa: ARG001
        sent.append(Future())
        return sent[-1]

    order = {name: Order(name, Check.OPEN, TARGET, ClientPolicy()) for name in rig.clients}
    with rig.side.ready(Phase.BASELINE, rig.first):
        # Its machine takes all at once.
        assert [rig.side.ordered(send, order["a"]) for _ in range(2)] == sent
        for future in sent:
            future.set_result(done)
        first, second = (rig.side.ordered(send, order["b"]) for _ in range(2))
        wait_for("the first to be sent off", lambda: len(sent) == 3, 10.0)
        assert not first.done()
        assert not second.running()
        sent[2].set_result(done)
        assert first.result(60) == done
        wait_for("the second to be sent off", lambda: len(sent) == 4, 10.0)
        assert not second.done()
        sent[3].set_result(done)
        assert second.result(60) == done


def test_a_client_on_which_it_was_so_before_proves_nothing() -> None:
    """One of the three has no SMB1 to begin with."""
    rig = Rig()
    first = {**rig.first, "a": replace(rig.first["a"], smb1=False)}
    with rig.side.ready(Phase.BASELINE, first):
        rig.side.remember()
    with rig.side.ready(Phase.APPLIED, rig.side.changed()):
        assert [seen.partition(" ")[0] for seen in rig.side.took_effect()] == ["b", "c"]
        nothing = "a offers on the wire: no SMB1-framed NEGOTIATE"
        assert rig.side.already() == [Already("smb1-client-off on a", nothing)]
    with rig.side.ready(Phase.ROLLED_BACK, first):
        told = rig.side.came_back()
    assert not any(seen.startswith("a offers") for seen in told)
    assert any(seen.startswith("the machine of a: fingerprint ") for seen in told)
    assert rig.failed == {}


def test_clients_of_one_guest_wait_for_each_other_and_for_no_other_guest() -> None:
    rig = Rig()
    sent: list[str] = []
    ends = {name: Future[Done]() for name in rig.clients}
    done = Done(Attempt(Outcome.OK))

    def send(order: Order) -> Future[Done]:
        sent.append(order.client)
        return ends[order.client]

    order = {name: Order(name, Check.OPEN, TARGET, ClientPolicy()) for name in rig.clients}
    with rig.side.ready(Phase.BASELINE, rig.first):
        made = {name: rig.side.ordered(send, order[name]) for name in "bca"}
        wait_for("one of each guest to be sent off", lambda: len(sent) == 2, 10.0)
        assert sorted(sent) == ["a", "b"]
        ends["b"].set_result(done)
        wait_for("the other of the guest to be sent off", lambda: sent[-1] == "c", 10.0)
        ends["c"].set_result(done)
        ends["a"].set_result(done)
        assert [one.result(60) for one in made.values()] == [done] * 3
