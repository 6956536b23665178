"""Resident helper processes: real ones, small ones in Python."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from processes import alive

from harness.clients import _resident
from harness.clients._resident import Helper
from harness.errors import LabFault
from harness.system.deadline import wait_for

HELLO = (
    'import json, os, sys, time; print(json.dumps({"id": "0", "ok": True, "said": "toy 1.0"}), flush=True)\n'
)
ECHO = HELLO + (
    "for line in sys.stdin:\n"
    "    asked = json.loads(line)\n"
    '    answer = {"id": asked["id"], "ok": asked["ok"] == "yes", "said": asked["text"]}\n'
    "    print(json.dumps(answer), flush=True)\n"
)
DEAF = HELLO + "sys.stdin.readline(); time.sleep(60)\n"
"""Ends in the end: whoever waits so long gets a LabFault instead of no answer."""


def helper(source: str, name: str = "toy") -> Helper:
    return Helper(name, (sys.executable, "-c", source), (("TOY", "1"),))


@pytest.fixture(autouse=True)
def _none_is_left() -> Iterator[None]:
    yield
    _resident.stop_all()


def test_one_process_answers_all_requests() -> None:
    toy = helper(ECHO)
    good = _resident.ask(toy, {"ok": "yes", "text": 'a "line"\nand ü'}, 5.0)
    pid = _resident.ensure(toy).pid
    bad = _resident.ask(toy, {"ok": "no", "text": "sorry"}, 5.0)
    assert (good.status, good.stdout, good.stderr) == (0, 'a "line"\nand ü', "")
    assert (bad.status, bad.stdout, bad.stderr) == (1, "", "sorry")
    assert _resident.ensure(toy).pid == pid
    assert _resident.ensure(toy).software == "toy 1.0"
    assert _resident.software(toy) == "toy 1.0"


def test_one_that_hangs_is_killed_and_replaced() -> None:
    toy = helper(DEAF)
    pid = _resident.ensure(toy).pid
    assert _resident.ask(toy, {}, 0.3).status is None
    assert not alive(pid)
    assert _resident.ensure(toy).pid != pid


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (HELLO + "sys.stdin.readline(); sys.exit('no memory')", r"toy ended by itself \(1\): no memory"),
        (HELLO + "sys.stdin.readline(); os.kill(os.getpid(), 11)", r"toy ended by itself \(-11\)"),
        (HELLO + "sys.stdin.readline(); print('hm', flush=True); sys.stdin.read()", "answered no JSON: hm"),
        (HELLO + "sys.stdin.readline(); print('{}', flush=True); sys.stdin.read()", "answered no JSON"),
        (
            HELLO
            + "sys.stdin.readline(); print(json.dumps({'id': '7', 'ok': True, 'said': ''}), flush=True);"
            + " sys.stdin.read()",
            "answered 7 when asked 1",
        ),
        ("raise SystemExit('no such library')", "no such library"),
    ],
)
def test_one_that_breaks_is_a_fault(source: str, says: str) -> None:
    with pytest.raises(LabFault, match=says):
        _resident.ask(helper(source), {}, 5.0)


def test_after_one_broke_the_next_request_has_a_new_one() -> None:
    once = HELLO + "asked = json.loads(sys.stdin.readline()); sys.exit(asked['text'])"
    for text in ("first", "second"):
        with pytest.raises(LabFault, match=rf"ended by itself \(1\): {text}"):
            _resident.ask(helper(once), {"text": text}, 5.0)


def test_a_program_that_is_not_there_is_a_fault() -> None:
    with pytest.raises(LabFault, match="cannot start /nonexistent"):
        _resident.ensure(Helper("toy", ("/nonexistent",)))


def test_none_survives_who_started_it() -> None:
    """By the end of its input: the small one here is asked nothing else."""
    script = (
        "import json, sys, time; from harness.clients import _resident\n"
        "toy = _resident.Helper('toy', tuple(json.loads(sys.argv[1])))\n"
        "print(_resident.ensure(toy).pid, flush=True); time.sleep(60)\n"
    )
    command = [sys.executable, "-c", script, json.dumps(helper(ECHO).argv)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert alive(pid)
        parent.kill()
    wait_for("the helper to end", lambda: not alive(pid), 5.0)
