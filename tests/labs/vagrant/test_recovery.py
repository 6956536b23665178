"""The ways back, the pool of guests, and a machine's life, over machines that only say what they were told.

The real ones are in test_rehearsal.py.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from told_machines import GUEST, Answering, Told, machine, unprepared

from harness.errors import LabFault
from harness.labs.guests import Guest
from harness.labs.vagrant import console, keys
from harness.labs.vagrant.machine import USED, Machine, Outfit
from harness.labs.vagrant.machine_pool import MachinePool, in_waves
from harness.labs.vagrant.recovery import RecoveryStep, recover
from harness.system.process import Result


def nothing() -> None: ...


def broken() -> None:
    raise LabFault("it does not work")


def test_the_first_way_that_is_verified_is_taken() -> None:
    seen: list[str] = []

    def verify() -> str:
        if len(seen) < 2:
            seen.append("no")
            raise LabFault("not what it was")
        return "as it was"

    done = recover(
        "it",
        [(RecoveryStep.SCRIPT, nothing), (RecoveryStep.SNAPSHOT, nothing), (RecoveryStep.REBOOT, nothing)],
        verify,
    )
    assert done.rung == "reboot"
    assert done.evidence == "as it was"
    assert done.failed == ("revert script: not what it was", "snapshot: not what it was")


def test_no_way_back_names_every_reason() -> None:
    with pytest.raises(LabFault, match="snapshot: it does not work; rebuild: not so"):
        recover(
            "it", [(RecoveryStep.SNAPSHOT, broken), (RecoveryStep.REBUILD, nothing)], lambda: _fault("not so")
        )


def _fault(text: str) -> str:
    raise LabFault(text)


# -- a machine ------------------------------------------------------------------------------------------


def test_a_machine_gets_the_labs_key_before_its_snapshot(tmp_path: Path) -> None:
    told = Told()
    one = machine(told, tmp_path)
    one.start()
    assert told.calls == ["key box", "up samba-bookworm", "key ours", "save samba-bookworm"]
    assert one.route.key == str(tmp_path / "key" / "id_ed25519")
    assert (tmp_path / "key" / "id_ed25519").stat().st_mode & 0o777 == 0o600


def test_a_fresh_machine_is_not_restored_and_a_used_one_is(tmp_path: Path) -> None:
    told = Told()
    one = machine(told, tmp_path)
    one.start()
    assert one.pristine(nothing, lambda: "well").rung == "fresh"
    assert one.pristine(nothing, lambda: "well").rung == "snapshot"
    assert told.calls[-1] == "restore samba-bookworm"


def test_a_broken_snapshot_leads_up_the_ladder(tmp_path: Path) -> None:
    told = Told()
    one = machine(told, tmp_path)
    one.start()
    one.pristine(nothing, lambda: "well")
    told.failing = {"restore", "reboot"}
    done = one.back(None, nothing, lambda: "well")
    assert done.rung == "rebuild"
    assert [text.partition(":")[0] for text in done.failed] == ["snapshot", "reboot"]
    assert told.calls[-5:] == [
        "destroy samba-bookworm",
        "key box",
        "up samba-bookworm",
        "key ours",
        "save samba-bookworm",
    ]


def test_a_reboot_does_not_make_a_used_machine_pristine(tmp_path: Path) -> None:
    """What the job before has installed is still on the disk, and nothing is known to compare it with."""
    told = Told()
    one = machine(told, tmp_path)
    one.start()
    one.pristine(nothing, lambda: "well")
    told.failing = {"restore"}
    done = one.pristine(nothing, lambda: "well")
    assert done.rung == "rebuild"
    assert "reboot samba-bookworm" not in told.calls


class Marked(Answering):
    """Stands for a guest whose file of ``USED`` is there once it was made, whatever Vagrant says."""

    files: ClassVar[set[str]] = set()

    def run(self, command: str, *, timeout: float, stdin: str = "") -> Result:
        if "touch" in command:
            self.files.add(USED)
        listed = f"{USED}\n" if "ls " in command and USED in self.files else ""
        return replace(super().run(command, timeout=timeout, stdin=stdin), stdout=listed)


def test_a_restore_that_did_nothing_is_seen(tmp_path: Path) -> None:
    told = Told()
    (tmp_path / "consoles").mkdir()
    one = Machine(GUEST, Outfit(told, keys.make(tmp_path / "key"), tmp_path, Marked), unprepared)
    one.start()
    done = one.back(None, nothing, lambda: "well")
    assert done.failed == ("snapshot: samba-bookworm was not restored, although vagrant said so",)
    assert done.rung == "reboot"


def test_the_revert_script_comes_first(tmp_path: Path) -> None:
    one = machine(Told(), tmp_path)
    one.start()
    assert one.back(nothing, nothing, lambda: "well").rung == "revert script"
    assert one.back(None, nothing, lambda: "well").rung == "snapshot"


def test_a_machine_without_a_way_back_is_left_out(tmp_path: Path) -> None:
    told = Told()
    one = machine(told, tmp_path)
    one.start()
    told.failing = {"up", "restore", "reboot"}
    with pytest.raises(LabFault, match="cannot be made pristine"):
        one.back(broken, nothing, lambda: "well")
    assert one.quarantined
    calls = len(told.calls)
    with pytest.raises(LabFault, match="is left out"):
        one.pristine(nothing, lambda: "well")
    assert len(told.calls) == calls


def test_a_guest_that_hangs_at_boot_is_told_with_its_last_words(tmp_path: Path) -> None:
    told = Told()
    told.failing = {"up"}
    one = machine(told, tmp_path)
    (tmp_path / "consoles" / "samba-bookworm.log").write_text("Booting\n\x1b[0mA start job is running…\r\n")
    with pytest.raises(LabFault, match="last words: A start job is running…"):
        one.start()


def test_an_oops_is_a_fault_once(tmp_path: Path) -> None:
    one = machine(Told(), tmp_path)
    log = tmp_path / "consoles" / "samba-bookworm.log"
    log.write_text("[    1.0] all is well\n")
    one.check_kernel()
    with log.open("a") as file:
        file.write("[   99.5] BUG: kernel NULL pointer dereference, address: 0000000000000008\n")
    with pytest.raises(LabFault, match="kernel of samba-bookworm failed: BUG: kernel NULL pointer"):
        one.check_kernel()
    one.check_kernel()


@given(st.text())
def test_consoles_say_anything(text: str) -> None:
    assert all("\n" not in line for line in console.alarms(text))
    assert "\n" not in console.last_words(text)


# -- the pool -------------------------------------------------------------------------------------------


def guest(name: str, memory: int = 512) -> Guest:
    return GUEST.model_copy(update={"name": name, "memory": memory})


def pool(told: Told, folder: Path, budget: int = 4096, **memory: int) -> MachinePool:
    (folder / "consoles").mkdir(exist_ok=True)
    outfit = Outfit(told, keys.make(folder / "key"), folder, Answering)
    return MachinePool(budget, lambda name: Machine(guest(name, memory.get(name, 512)), outfit, unprepared))


def test_a_guest_is_started_once_and_lent_to_one_job_at_a_time(tmp_path: Path) -> None:
    told = Told()
    mine = pool(told, tmp_path)
    inside: list[int] = []
    most: list[int] = []

    def job() -> None:
        with mine.lease("a"):
            inside.append(1)
            most.append(len(inside))
            inside.pop()

    threads = [threading.Thread(target=job) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert max(most) == 1
    assert told.calls.count("up a") == 1
    mine.end()
    assert told.calls[-1] == "destroy a"


def test_an_idle_guest_makes_room(tmp_path: Path) -> None:
    told = Told()
    mine = pool(told, tmp_path, budget=1000)
    with mine.lease("a"):
        pass
    with mine.lease("b"):
        assert mine.names() == ["b"]
    assert told.calls.index("destroy a") < told.calls.index("up b")


def test_a_guest_that_is_being_removed_is_not_started_meanwhile(tmp_path: Path) -> None:
    ending, go_on = threading.Event(), threading.Event()

    class Slow(Told):
        def destroy(self, name: str) -> None:
            if name == "a" and not ending.is_set():
                ending.set()
                assert go_on.wait(60)
            super().destroy(name)

    told = Slow()
    # Both make room for b, after which there is room for a again.
    mine = pool(told, tmp_path, budget=1000, a=200, c=700, b=800)
    for name in ("a", "c"):
        with mine.lease(name):
            pass

    def job(name: str) -> None:
        with mine.lease(name):
            pass

    first, second = (threading.Thread(target=job, args=(name,)) for name in ("b", "a"))
    first.start()
    assert ending.wait(60)
    second.start()
    second.join(0.2)
    assert told.calls.count("up a") == 1
    go_on.set()
    first.join(60)
    second.join(60)
    assert sorted(mine.names()) == ["a", "b"]
    ups = [at for at, call in enumerate(told.calls) if call == "up a"]
    assert told.calls.index("destroy a") < ups[-1]


def test_a_guest_whose_start_broke_off_keeps_nobody_waiting(tmp_path: Path) -> None:
    """Ctrl-C, or a mistake of ours."""

    class Interrupted(Told):
        def up(self, name: str) -> None:
            super().up(name)
            if self.calls.count(f"up {name}") == 1:
                raise KeyboardInterrupt

    told = Interrupted()
    mine = pool(told, tmp_path)
    with pytest.raises(KeyboardInterrupt), mine.lease("a"):
        pytest.fail("it cannot have started")
    assert "destroy a" in told.calls
    with mine.lease("a"):
        assert mine.names() == ["a"]


def test_a_guest_that_stays_makes_no_room(tmp_path: Path) -> None:
    mine = pool(Told(), tmp_path, budget=1100)
    mine.keep("client")
    with mine.lease("a"):
        pass
    with mine.lease("b"):
        assert sorted(mine.names()) == ["b", "client"]


def test_a_guest_that_does_not_start_is_not_tried_by_every_job(tmp_path: Path) -> None:
    told = Told()
    told.failing = {"up"}
    mine = pool(told, tmp_path)
    for _ in range(3):
        with pytest.raises(LabFault, match="up a fails"), mine.lease("a"):
            pytest.fail("it cannot have started")
    assert told.calls.count("up a") == 1
    told.failing = set()
    with mine.lease("b"):
        assert mine.names() == ["b"]


def test_a_guest_that_never_fits(tmp_path: Path) -> None:
    mine = pool(Told(), tmp_path, budget=1000, big=2000)
    with pytest.raises(LabFault, match="big needs 2000 MB of 1000 MB"), mine.lease("big"):
        pytest.fail("it cannot have started")


def test_waves() -> None:
    assert in_waves({"a": 500, "b": 500, "c": 500}, 1000) == [["a", "b"], ["c"]]
    assert in_waves({"a": 500, "b": 500, "c": 500}, 4000) == [["a", "b", "c"]]
    assert in_waves({}, 10) == []
    with pytest.raises(LabFault, match="b needs 900 MB, and 500 MB are left"):
        in_waves({"a": 400, "b": 900}, 1000, always=500)


@given(st.dictionaries(st.text(min_size=1), st.integers(1, 100), max_size=20), st.integers(100, 300))
def test_every_wave_fits_and_everybody_is_in_one(memory: dict[str, int], budget: int) -> None:
    found = in_waves(memory, budget)
    assert [name for wave in found for name in wave] == list(memory)
    assert all(sum(memory[name] for name in wave) <= budget for wave in found)
