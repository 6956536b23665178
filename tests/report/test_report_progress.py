"""Progress: bars on a terminal, plain lines elsewhere, nothing when quiet, and safe from many threads."""

from __future__ import annotations

import io
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from known import CATALOGUE
from report_example import printed

from harness.report.page import console_for
from harness.report.progress import MOST, Progress, progress_of

LOST = "create-pipe STATUS_ACCESS_DENIED"


def report(progress: Progress) -> None:
    """A short run: one image, two jobs; one cell is not as expected, one job is cut off."""
    progress.image("bullseye", 0.0, "unpacking")
    progress.image("bullseye", 0.5, "unpacking")
    progress.image("bullseye", 1.0, "unpacking")
    progress.started(4)
    for phase in ("baseline", "applied", "rolled_back"):
        progress.job("off", "samba", phase)
    progress.waits("off", "samba", "windows-10 reboots")
    progress.waits("off", "samba", "")
    progress.cell("off:samba:windows-7:open", "kept", True, "")
    progress.cell("off:samba:windows-7:browse", "lost", True, LOST)
    progress.cell("off:samba:windows-xp:browse", "lost", False, f"{LOST}\x1b[2J")
    progress.finished("off", "samba")
    progress.note("the lab is closed")
    progress.job("patch", "nas", "baseline")
    progress.cell("patch:nas:windows-7:open", "kept", True, "")


def test_plain_lines_where_there_is_no_terminal() -> None:
    console, raw = printed()
    with Progress(console) as progress:
        report(progress)
    assert (
        raw.getvalue().decode()
        == """\
image bullseye: unpacking
image bullseye: ready
off on samba: windows-10 reboots
LOST   NOT as expected ~ off:samba:windows-xp:browse: create-pipe
  STATUS_ACCESS_DENIED\\x1b[2J
off:samba: 1 kept, 2 lost; 1 NOT as expected
the lab is closed
patch:nas: 1 kept
"""
    )


def test_a_loss_that_is_accepted_is_not_told_as_unexpected() -> None:
    """And what the file accepts is a loss alone."""
    console, raw = printed()
    with Progress(console, accepted=["*:samba:windows-*:open"]) as progress:
        progress.cell("off:samba:windows-7:open", "lost", False, LOST)
        progress.cell("off:samba:windows-xp:open", "fault", False, "the lab broke")
        progress.finished("off", "samba")
    assert (
        raw.getvalue().decode()
        == """\
FAULT  NOT as expected ~ off:samba:windows-xp:open: the lab broke
off:samba: 1 lost, 1 fault; 1 NOT as expected
"""
    )


def test_cells_of_real_things_alone_carry_no_mark() -> None:
    console, raw = printed()
    with Progress(console, emulated=lambda cell: cell.client == "windows-7") as progress:
        progress.cell("off:samba:windows-7:open", "lost", False, "")
        progress.cell("off:samba:smbclient-4.17:open", "lost", False, "")
    first, second, *_ = raw.getvalue().decode().splitlines()
    assert first == "LOST   NOT as expected ~ off:samba:windows-7:open"
    assert second == "LOST   NOT as expected off:samba:smbclient-4.17:open"


def test_quiet_is_silent() -> None:
    console, raw = printed()
    with Progress(console, quiet=True) as progress:
        report(progress)
    assert raw.getvalue() == b""


class Terminal(io.StringIO):
    """A terminal as far as programs can tell."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_the_same_lines_above_its_bars(capsys: pytest.CaptureFixture[str]) -> None:
    stream = Terminal()
    with Progress(console_for(stream, {"TERM": "xterm", "COLUMNS": "80", "NO_COLOR": "1"})) as progress:
        report(progress)
    text = stream.getvalue()
    for line in (
        "LOST   NOT as expected ~ off:samba:windows-xp:browse: create-pipe",
        "off:samba: 1 kept, 2 lost; 1 NOT as expected",
        "the lab is closed",
    ):
        assert f"{line}\n" in text
    assert "windows-7:open" not in text
    assert "\x1b[2J" not in text
    assert "4/4" in text
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("terminal", [False, True])
def test_of_many_that_are_not_as_expected_the_first_are_named_and_each_is_counted(terminal: bool) -> None:
    """The result, which names them all, must not stand below dozens of lines that say the same."""
    stream: io.StringIO = Terminal() if terminal else io.StringIO()
    with Progress(console_for(stream, {"TERM": "xterm", "COLUMNS": "80", "NO_COLOR": "1"})) as progress:
        for change in ("a", "b"):
            for at in range(20):
                progress.cell(f"{change}:s:c{at}:open", "fault", False, "x")
            progress.finished(change, "s")
    lines = [line for line in stream.getvalue().splitlines() if line]
    assert sum("~ a:s:" in line for line in lines) == MOST
    assert not any("~ b:s:" in line for line in lines)
    assert sum("more" in line for line in lines) == 1
    for change in ("a", "b"):
        assert any(f"{change}:s: 20 fault; 20 NOT as expected" in line for line in lines)


def test_a_terminal_shows_what_is_waited_for_as_long_as_it_lasts() -> None:
    stream = Terminal()
    with Progress(console_for(stream, {"TERM": "xterm", "COLUMNS": "80", "NO_COLOR": "1"})) as progress:
        progress.started(4)
        progress.job("off", "samba", "applied")
        progress.waits("off", "samba", "windows-10 reboots")
        # Another job's is another line.
        progress.waits("off", "nas", "windows-7 reboots")
        progress.waits("off", "samba", "windows-10: apply client-x")
        shown = [task.description for task in progress._bars.tasks]
        assert shown == [
            "off on samba: applied",
            "off on nas: windows-7 reboots",
            "off on samba: windows-10: apply client-x",
        ]
        progress.waits("off", "samba", "")
        progress.waits("off", "samba", "")
        assert [task.description for task in progress._bars.tasks] == shown[:2]
        progress._bars.refresh()
    assert "off on nas: windows-7 reboots" in stream.getvalue()


def test_results_are_not_caught_by_the_bars(capsys: pytest.CaptureFixture[str]) -> None:
    stream = Terminal()
    with Progress(console_for(stream, {"TERM": "xterm", "COLUMNS": "80"})):
        sys.stdout.write("a result\n")
    assert capsys.readouterr().out == "a result\n"
    assert "a result" not in stream.getvalue()


def test_quiet_is_silent_on_a_terminal_too() -> None:
    stream = Terminal()
    with Progress(console_for(stream, {"TERM": "xterm"}), quiet=True) as progress:
        report(progress)
    assert stream.getvalue() == ""


def test_the_bars_end_when_the_run_fails() -> None:
    stream = Terminal()

    def cut_off() -> None:
        with Progress(console_for(stream, {"TERM": "xterm", "COLUMNS": "80"})) as progress:
            progress.started(2)
            raise RuntimeError("the lab broke")

    with pytest.raises(RuntimeError):
        cut_off()
    assert stream.getvalue().count("\x1b[?25l") == stream.getvalue().count("\x1b[?25h") == 1


@pytest.mark.parametrize("terminal", [False, True])
def test_many_threads_write_whole_lines(terminal: bool) -> None:
    stream: io.StringIO = Terminal() if terminal else io.StringIO()
    environment = {"TERM": "xterm", "COLUMNS": "80", "NO_COLOR": "1"}

    def work(number: int) -> None:
        progress.job("off", f"s{number}", "applied")
        for client in range(10):
            progress.cell(f"off:s{number}:c{client}:open", "lost", False, "x")
        progress.finished("off", f"s{number}")

    with Progress(console_for(stream, environment)) as progress, ThreadPoolExecutor(8) as pool:
        progress.started(160)
        list(pool.map(work, range(16)))
    text = stream.getvalue()
    for number in range(16):
        assert f"off:s{number}: 10 lost; 10 NOT as expected\n" in text
    assert text.count("LOST   NOT as expected ~ off:s") == MOST
    assert not terminal or "160/160" in text


def test_what_is_no_cell_or_no_effect_is_refused() -> None:
    console, _ = printed()
    with Progress(console) as progress:
        with pytest.raises(ValueError, match="mitigation:server:client:check"):
            progress.cell("a:b", "kept", True, "")
        with pytest.raises(ValueError, match="perhaps"):
            progress.cell("a:b:c:d", "perhaps", True, "")


def test_a_server_that_is_not_the_real_thing_is_marked_in_the_line_of_its_job(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with progress_of(CATALOGUE) as progress:
        for server in ("consumer-nas", "samba-4.22"):
            progress.cell(f"none:{server}:curl:open", "kept", True, "")
            progress.finished("none", server)
            progress.waits("none", server, "starts")
    assert capsys.readouterr().err.splitlines() == [
        "none:~consumer-nas: 1 kept",
        "none on ~consumer-nas: starts",
        "none:samba-4.22: 1 kept",
        "none on samba-4.22: starts",
    ]
