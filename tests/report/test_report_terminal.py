"""A run on a terminal: readable at 80 columns, every loss explained, emulated labelled, nothing hostile."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from report_example import PIPES, cell, example, ok, printed, refused, too_wide

from harness.errors import UsageError
from harness.model import Attempt, CellId, Effect, Outcome, StepName
from harness.report.cell import show_cell
from harness.report.page import console_for
from harness.report.terminal import render
from harness.result import RunResult


def output(run: RunResult, width: int = 80, encoding: str = "utf-8") -> str:
    console, raw = printed(width, encoding)
    render(run, console, details=True)
    return raw.getvalue().decode(encoding)


def unwrapped(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_lines_are_written_some_at_a_time_and_not_all_of_a_large_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = output(example())
    written: list[int] = []

    class Counting(type(console_for(io.StringIO()))):  # type: ignore[misc]
        def print(self, *texts: object, **how: object) -> None:
            written.append(len(texts))
            super().print(*texts, **how)

    monkeypatch.setattr("harness.report.page.AT_ONCE", 10)
    page = io.StringIO()
    render(example(), Counting(file=page, width=80, force_terminal=False), details=True)
    assert page.getvalue() == whole
    # A paragraph is held as a whole.
    assert len(written) > 3
    assert max(written) < 30


@pytest.mark.parametrize("width", [40, 60, 80, 132])
def test_no_line_is_wider_than_the_console(width: int) -> None:
    lines = output(example(), width).split("\n")
    assert not too_wide("\n".join(lines), width)
    assert not [line for line in lines if line != line.rstrip()]


def test_the_matrix_of_a_row() -> None:
    assert """\
row-2  nt pipe support = no, Samba restarted
────────────────────────────────────────────
  nt-pipe-support-off on samba-4.17 (Samba 4.17.12-Debian)
                      browse  open    write
    ~windows-xp       LOST    kept    kept
    ~windows-7        LOST    kept    kept
    ~windows-10-1703  LOST    kept    kept
     linux-smbclient  LOST    kept    kept
    took effect: opening the pipe srvsvc on a new connection:
      STATUS_ACCESS_DENIED
    taken back: opening the pipe srvsvc on a new connection: ok
    LOST ~windows-xp, ~windows-7, ~windows-10-1703, linux-smbclient browse:
""" in output(example())


def test_every_loss_never_and_fault_has_its_cause_with_its_client() -> None:
    run = example()
    words = {Effect.LOST: "LOST", Effect.NEVER: "never", Effect.FAULT: "FAULT"}
    text = unwrapped(output(run))
    for found in run.cells:
        if found.effect in words:
            cause = found.cause.split("–")[0]
            head = rf"{words[found.effect]} [^:]*{found.cell.client}[^:]*{found.cell.check}[^:]*: "
            assert re.search(f"{head}.*{re.escape(cause)}", text), found.cell


def test_clients_that_share_a_cause_share_its_line() -> None:
    text = unwrapped(output(example()))
    assert text.count(PIPES) == 1
    assert '"Access is denied (error 5)" (~windows-7, ~windows-10-1703)' in text


def test_a_loss_without_a_cause_is_still_told() -> None:
    applied = refused(StepName.TREE_CONNECT, "STATUS_ACCESS_DENIED")
    run = replace(example(), rows=(), cells=(cell("a:b:c:open", Effect.LOST, applied=applied),))
    assert "LOST ~c open: tree-connect STATUS_ACCESS_DENIED (server): no cause was recorded" in unwrapped(
        output(run)
    )


def test_a_measurement_that_differs_from_its_source_is_told_in_one_sentence() -> None:
    text = unwrapped(output(example()))
    assert text.count("differs: ") == 1
    shared = "~windows-xp, ~windows-7, ~windows-10-1703, linux-smbclient"
    assert f"differs: {shared} open, write: the article says lost" in text


def test_not_restored_is_loud_under_the_matrix_and_at_the_end() -> None:
    text = unwrapped(output(example()))
    assert (
        "NOT RESTORED ~windows-7 open: ok before, tree-connect STATUS_BAD_NETWORK_NAME (server) after" in text
    )
    assert "1 NOT RESTORED by the rollback: ~ vendor-patch:samba-4.17:windows-7:open" in text


def test_evidence_that_is_missing_is_loud() -> None:
    text = output(example())
    assert "took effect: the running smbd is that of 2:4.17.12+dfsg-0+deb12u2\n" in text
    assert "taken back: NOT SHOWN\n" in text


def test_what_could_not_be_rehearsed_is_told_with_its_reason() -> None:
    assert "vendor-patch on ~consumer-nas: no patch to be had: its vendor publishes none" in output(example())


def test_cells_of_no_row_come_in_a_block_of_their_own_once() -> None:
    text = output(example())
    assert text.index("row-3") < text.index("other cells")
    assert text.count("gained\n") == 1


def test_a_planned_cell_without_result_is_a_question_mark() -> None:
    assert re.search(r"~windows-xp +\?\n", output(example()))


def test_summary_of_a_run() -> None:
    assert output(example()).endswith("\n9 kept, 10 lost, 1 gained, 1 never, 1 fault; 2 NOT as expected\n")


def test_summary_of_a_run_where_all_is_as_expected() -> None:
    run = replace(example(), complete=True, rows=(), cells=(cell("a:b:c:open"),))
    assert output(run).endswith("1 kept, 0 lost, 0 gained, 0 never, 0 fault; all as expected\n")


def test_a_run_without_a_cell_says_so() -> None:
    run = replace(example(), complete=True, rows=(), cells=())
    assert "\nnothing was measured\n" in output(run)


def test_emulated_is_labelled_wherever_a_client_or_server_is_named() -> None:
    text = output(example())
    for name in ("windows-xp", "windows-7", "windows-10-1703", "office-scanner"):
        assert re.search(rf"^ +~{name} +\S", text, re.MULTILINE)
    assert not re.search(r"~(linux-smbclient|samba-4\.17)", text)
    assert "smb1-client-off on ~sles11-like (emulated: Samba 4.13.13-Debian, configured to" in text
    assert "~ emulated, recorded (" in text
    assert "~ emulated" in text.split("kept: works as before")[1]


def test_a_client_that_was_not_recorded_is_not_shown_as_real() -> None:
    run = replace(example(), clients={}, servers={})
    assert re.search(r"~linux-smbclient +LOST", output(run))
    assert "on ~samba-4.17 (not recorded)" in output(run)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_control_characters_from_the_wire_are_shown_not_sent(encoding: str) -> None:
    text = output(example(), encoding=encoding)
    assert r"\x1b]0;owned\x07" in unwrapped(text)
    assert not [char for char in text if not char.isprintable() and char != "\n"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_stream_that_is_not_utf8_gets_ascii(encoding: str) -> None:
    text = output(example(), encoding=encoding)
    assert text.isascii()
    assert max(map(len, text.split("\n"))) <= 80
    assert r"b\xfcro-scanner" in text


class Terminal(io.StringIO):
    """A terminal as far as programs can tell."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def on_terminal(environment: dict[str, str]) -> str:
    stream = Terminal()
    console = console_for(stream, {"TERM": "xterm-256color", "COLUMNS": "80", **environment})
    render(example(), console, details=True)
    return stream.getvalue()


def test_a_terminal_gets_colours_unless_no_color_is_set() -> None:
    assert "\x1b[" in on_terminal({})
    assert "\x1b" not in on_terminal({"NO_COLOR": "1"})
    assert "\x1b" not in on_terminal({"TERM": "dumb"})
    assert "\x1b[" in on_terminal({"NO_COLOR": ""})


def test_what_is_no_terminal_gets_plain_text_whatever_the_environment_says() -> None:
    stream = io.StringIO()
    render(example(), console_for(stream, {"TERM": "xterm-256color", "FORCE_COLOR": "1"}))
    assert "\x1b" not in stream.getvalue()


def test_colour_changes_no_word() -> None:
    bare = re.sub(r"\x1b\[[0-9;]*m", "", on_terminal({}))
    assert bare == on_terminal({"NO_COLOR": "1"}) == output(example())


def shown(run: RunResult, cell_id: str, width: int = 80) -> str:
    console, raw = printed(width)
    show_cell(run, CellId.parse(cell_id), console)
    return raw.getvalue().decode()


def test_one_cell_shows_every_step_of_every_phase() -> None:
    text = shown(example(), "nt-pipe-support-off:samba-4.17:windows-7:browse")
    assert text.startswith("nt-pipe-support-off:samba-4.17:windows-7:browse\n")
    for words in (
        "LOST\nrestored by the rollback\n",
        'user sees: "Access is denied (error 5)"\n',
        "client: ~windows-7 (emulated: impacket 0.13.1, recorded)\n",
        "server: samba-4.17 (Samba 4.17.12-Debian, real)\n",
        "before: ok, 21.4 ms\n  dialect 2.1, signed no, encrypted no, auth NTLMv2, as account\n",
        "  session-setup     STATUS_SUCCESS       8.4 ms\n",
        "with the change: create-pipe STATUS_ACCESS_DENIED (server), 4.5 ms\n",
        "  create-pipe  STATUS_ACCESS_DENIED       0.7 ms\n",
        "after the rollback: ok, 21.4 ms\n",
    ):
        assert words in text
    assert len(text.splitlines()) <= 40


def test_one_cell_encrypted_with_its_cipher() -> None:
    strong = Attempt(Outcome.OK, (), 3.0, dialect="3.1.1", signed=True, encrypted=True, cipher="AES-128-GCM")
    run = replace(example(), cells=(cell("a:b:c:open", before=strong, applied=ok()),))
    assert "  dialect 3.1.1, signed yes, encrypted yes, cipher AES-128-GCM\n" in shown(run, "a:b:c:open")


def test_a_tunnel_and_what_it_leaves_open_are_told() -> None:
    way = "through an SSH tunnel to host"
    blurred = replace(refused(StepName.NEGOTIATE, "CLOSED"), unsure=f"{way} they look alike")
    run = example()
    servers = {name: replace(fact, reached=way) for name, fact in run.servers.items()}
    run = replace(run, servers=servers, cells=(cell("a:samba-4.17:c:open", before=ok(), applied=blurred),))
    text = " ".join(shown(run, "a:samba-4.17:c:open").split())
    assert f"step and status are not verified: {way} they look alike" in text
    assert f"samba-4.17 (Samba 4.17.12-Debian, {way})" in " ".join(output(run).split())


def test_one_cell_neutralises_what_came_from_the_wire_and_keeps_the_width() -> None:
    for width in (40, 80):
        text = shown(example(), "smb1-client-off:sles11-like:windows-7:open", width)
        assert r"\x1b[2Jgone\x07\u202e" in text
        assert not [char for char in text if not char.isprintable() and char != "\n"]
        assert not too_wide(text, width)


def test_a_cell_that_is_not_there_names_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        shown(example(), "nt-pipe-support-off:samba-4.17:windows-7:brows")
    assert "nt-pipe-support-off:samba-4.17:windows-7:browse" in caught.value.hint
