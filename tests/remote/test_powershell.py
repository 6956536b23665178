"""PowerShell over a real sshd whose login shell plays Windows: contracts, noise, and every kind of silence.

Nothing here shows what Windows does (see tests/fake_windows.py).
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_windows import Guest, Play, Said, Thrown
from hypothesis import given
from hypothesis import strategies as st
from local_sshd import Sshd

from harness.errors import LabFault
from harness.remote import clixml, readiness
from harness.remote.powershell import (
    LONGEST_COMMAND,
    Answer,
    Order,
    PowerShell,
    Script,
    ScriptFailed,
    command_line,
    marked,
)
from harness.remote.readiness import examine, wait_until_ready
from harness.remote.ssh import SshRemote
from harness.system.process import Result


class Sum(Order):
    first_number: int
    second_number: int
    password: str = ""


class Total(Answer):
    total: int


ADD = Script("add", "param([int] $FirstNumber, [int] $SecondNumber)", Sum, Total)


class Rig:
    """A guest and the sshd that leads to it."""

    def __init__(self, guest: Guest, sshd: Sshd) -> None:
        self.guest = guest
        self.sshd = sshd

    def ask(self, play: Play, order: Sum | None = None, timeout: float = 30.0) -> Total:
        self.guest.play = play
        with closing(SshRemote(self.sshd.route)) as remote:
            return PowerShell(remote).ask(ADD, order or Sum(first_number=2, second_number=3), timeout=timeout)


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        guest = stack.enter_context(Guest(folder, lambda script, given: None))
        yield Rig(guest, stack.enter_context(Sshd(folder, str(guest.shell))))


def add(script: str, given: Mapping[str, Any]) -> Any:
    assert script == ADD.text
    return {"total": given["FirstNumber"] + given["SecondNumber"]}


def test_parameters_go_in_and_the_answer_comes_out(rig: Rig) -> None:
    assert rig.ask(add).total == 5
    assert rig.guest.asked[-1][1] == {"FirstNumber": 2, "SecondNumber": 3, "Password": ""}


def test_no_parameter_is_on_the_command_line(rig: Rig) -> None:
    secret = "a password with \"quotes\", 'more' and ä"
    rig.ask(add, Sum(first_number=1, second_number=1, password=secret))
    assert rig.guest.asked[-1][1]["Password"] == secret


def test_the_command_fits_cmd_and_holds_no_script() -> None:
    line = command_line("<0123456789abcdef>")
    # SSH and WinRM put words of their own around it.
    assert len(line) < LONGEST_COMMAND / 2
    assert line.isascii()
    assert not set(line) & set("\"'&|<>^%")


def failing(rig: Rig, play: Play, timeout: float = 30.0) -> str:
    with pytest.raises(LabFault) as caught:
        rig.ask(play, timeout=timeout)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith("guest: add")
    return line


def throws(error: Exception) -> Play:
    def play(script: str, given: Mapping[str, Any]) -> Any:
        raise error

    return play


def test_a_script_that_throws_is_told_from_one_that_never_began(rig: Rig) -> None:
    with pytest.raises(ScriptFailed) as caught:
        rig.ask(throws(Thrown("the share\r\nis in use")))
    assert str(caught.value) == "guest: add failed: the share is in use; line 7 of the script, Fake"
    assert caught.value.error_id == "Fake"
    clean = '#< CLIXML\r\n<Objs><S S="Error">At line:1_x000D__x000A_Ungültig &lt;x&gt;</S></Objs>'
    line = failing(rig, throws(Said(1, "", clean)))
    assert line == "guest: add: ended with status 1 and no answer: At line:1 Ungültig <x>"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (Said(9009, "", "'powershell.exe' is not recognized as an internal command"), "no PowerShell"),
        (Said(127, "", "sh: 1: powershell.exe: not found"), "there is no PowerShell in the guest"),
        (Said(3, "@MARK@old 2.0@MARK@\r\n"), "2.0 is too old; install Windows Management Framework"),
        (Said(0), "ended with status 0 and no answer: it said nothing"),
        (Said(0, '{"total": 5}\r\n'), "no answer"),
        (Said(0, '@MARK@answer {"total": "many"}@MARK@'), "answered something else than agreed: total"),
        (Said(0, '@MARK@answer {"total": 5, "more": 1}@MARK@'), "answered something else than agreed: more"),
        (Said(0, "@MARK@answer @MARK@"), "answered something else than agreed: the whole"),
        (Said(1, "@MARK@failure {@MARK@"), "failed and could not say why: {"),
        (Said(1, "@MARK@failure {}@MARK@"), "failed and could not say why: {}"),
    ],
)  # fmt: skip
def test_every_silence_is_told_in_one_line(rig: Rig, said: Said, told: str) -> None:
    assert told in failing(rig, throws(said))


def test_a_line_that_a_console_has_broken_is_put_together() -> None:
    assert marked('noise <m>answer {"a":\r\n1}<m>\r\n', "<m>") == ("answer", '{"a":1}')
    assert marked("<m>answer 1<m> <m>failure 2<m>", "<m>") == ("failure", "2")


@given(st.text(), st.text(alphabet=st.characters(exclude_characters="<>\r\n")))
def test_noise_is_no_answer(noise: str, said: str) -> None:
    mark = "<0123456789abcdef>"
    assert marked(noise, mark) == ("", "")
    assert marked(f"{noise}{mark}answer {said}{mark}{noise}", mark) == ("answer", said)


@given(st.text())
def test_clixml_never_raises_and_leaves_other_text_alone(text: str) -> None:
    assert isinstance(clixml.plain("#< CLIXML\n" + text), str)
    if "#< CLIXML" not in text:
        assert clixml.plain(text) == text.strip()


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="_")))
def test_clixml_gives_back_what_was_written(text: str) -> None:
    written = "".join(
        char if char.isascii() and char.isalnum() else f"_x{ord(char):04X}_"
        for char in text
        if ord(char) < 0x10000
    )
    expected = "".join(char for char in text if ord(char) < 0x10000).strip()
    assert clixml.plain(f'#< CLIXML\r\n<Objs><S S="Error">{written}</S></Objs>') == expected


class Slow:
    """A way in that gives up on its command."""

    name = "guest"

    def run(self, command: str, *, timeout: float, stdin: str = "") -> Result:
        return Result(command, None, "", "", timeout)

    def put(self, path: str, data: bytes) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


def test_a_script_that_does_not_end_is_a_fault() -> None:
    with pytest.raises(LabFault, match="guest: add: no answer within 3 s"):
        PowerShell(Slow()).ask(ADD, Sum(first_number=1, second_number=1), timeout=3)


# -- readiness ------------------------------------------------------------------------------------------


def version(script: str, given: Mapping[str, Any]) -> Any:
    assert script == readiness.VERSION
    return "5.1.20348.1"


def test_a_guest_that_is_ready_says_how_far_it_was_asked(rig: Rig) -> None:
    rig.guest.play = version
    found = examine(rig.sshd.route)
    assert found.ready
    assert str(found) == "SSH lets tester in; PowerShell 5.1.20348.1 answers"


def test_ssh_without_powershell(rig: Rig) -> None:
    rig.guest.play = throws(Said(1, "", "'powershell.exe' is not recognized as a command"))
    found = examine(rig.sshd.route)
    assert not found.ready
    assert found.passed == ("SSH lets tester in",)
    assert "there is no PowerShell in the guest" in found.wrong


def test_a_closed_port_is_the_first_layer(rig: Rig) -> None:
    found = examine(replace(rig.sshd.route, port=1))
    assert found.passed == ()
    assert "nothing listens there" in found.wrong
    assert found.mend == "is the guest up, and its SSH server?"


def test_waiting_tells_each_new_state_once_and_ends(rig: Rig) -> None:
    states: Iterator[Callable[[], Any]] = iter(
        [lambda: Said(1), lambda: Said(1), lambda: Said(3, "@MARK@old 2.0@MARK@")]
    )

    def play(script: str, given: Mapping[str, Any]) -> Any:
        state = next(states, None)
        if state is not None:
            raise state()
        return "7.4"

    rig.guest.play = play
    heard: list[str] = []
    found = wait_until_ready(rig.sshd.route, seconds=60, heard=lambda seen: heard.append(str(seen)))
    assert found.ready
    assert [json.dumps(line).count("PowerShell") for line in heard] == [0, 1, 1]
    assert len(heard) == 3


def test_waiting_ends_with_the_last_diagnosis(rig: Rig) -> None:
    with pytest.raises(LabFault, match=r"nothing listens there \(still so after 0.1 s\)"):
        wait_until_ready(replace(rig.sshd.route, port=1), seconds=0.1)
