"""Scripts in a guest that fail or do not end; the guest is a stand-in, for real ones end."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from harness.errors import LabFault
from harness.labs.vagrant import guest_shell
from harness.system.process import Result

OK, FAILED, NO_END = (0, "done\n", ""), (3, "", "first\nno room\n"), (None, "", "")


class Guest:
    """Answers one command after the other, and remembers them."""

    name = "guest"

    def __init__(self, *answers: tuple[int | None, str, str]) -> None:
        self._answers: Iterator[tuple[int | None, str, str]] = iter(answers)
        self.asked: list[tuple[str, str]] = []

    def run(self, command: str, *, timeout: float, stdin: str = "") -> Result:
        """The next answer."""
        self.asked.append((command, stdin))
        status, out, err = next(self._answers)
        return Result(command, status, out, err, timeout)

    def put(self, path: str, data: bytes) -> None:
        """Not used here."""

    def close(self) -> None:
        """Nothing is open."""


def test_what_a_script_prints() -> None:
    guest = Guest(OK)
    assert guest_shell.script(guest, "# it\necho $1", "a b", stdin="x") == "done\n"
    assert guest.asked == [("sudo -n sh -eu -c '# it\necho $1' rehearse 'a b'", "x")]


def test_why_it_failed() -> None:
    with pytest.raises(LabFault, match=r"^guest: '# it': status 3: no room$"):
        guest_shell.script(Guest(FAILED), "# it\nfalse")
    with pytest.raises(guest_shell.NoEndError, match=r"^guest: '# it': no end within 9 s$"):
        guest_shell.script(Guest(NO_END), "# it\nsleep 99", timeout=9)


def test_settings_are_sent_once_more_when_their_script_does_not_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    guest = Guest(NO_END, (0, "306 cat\n", ""), OK)
    guest_shell.configure(guest, "# conf", "restart", "[share]", 9)
    first, asked, again = guest.asked
    assert first == again == ("sudo -n sh -eu -c '# conf' rehearse restart", "[share]")
    assert asked[0].startswith("ps ")
    assert "guest: '# conf': no end within 9 s; once more. What runs there:\n306 cat" in caplog.text


def test_settings_whose_script_fails_or_never_ends_are_a_fault() -> None:
    once = Guest(FAILED)
    with pytest.raises(LabFault, match="no room"):
        guest_shell.configure(once, "# conf", "restart", "[share]", 9)
    assert len(once.asked) == 1
    silent = Guest(NO_END, NO_END)
    with pytest.raises(guest_shell.NoEndError, match="no end within 9 s"):
        guest_shell.configure(silent, "# conf", "restart", "[share]", 9)
    twice = Guest(NO_END, OK, NO_END)
    with pytest.raises(guest_shell.NoEndError, match="no end within 9 s"):
        guest_shell.configure(twice, "# conf", "restart", "[share]", 9)
    assert len(twice.asked) == 3
