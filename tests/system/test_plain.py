"""Text of others is shown so that it cannot steer a terminal."""

from __future__ import annotations

import io
import logging
import os
import subprocess
from pathlib import Path

import pytest
from commandline import rehearse
from hypothesis import given
from hypothesis import strategies as st

from harness.system.logs import log_to
from harness.system.plain import clean, say, word

EVIL = "\x1b[31mred\u202e\x9b2Jgone"
"""An escape code, a bidirectional override and a C1 control character."""


def harmless(text: str) -> bool:
    return all(char.isprintable() or char == "\n" for char in text)


@given(st.text())
def test_one_line_of_printable_characters_is_left(text: str) -> None:
    assert clean(text).isprintable()
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    say(text, stream)
    stream.seek(0)
    assert stream.read().isascii()


def test_what_is_harmless_is_left_alone() -> None:
    assert clean("Zürich → 北京") == "Zürich → 北京"
    assert clean(EVIL) == r"\x1b[31mred\u202e\x9b2Jgone"


def test_a_word_is_what_a_shell_reads_back() -> None:
    """Also the byte of a file name that is no UTF-8; and nobody is steered by what is to be copied."""
    names = [
        b"plain",
        b"two words",
        b"it's",
        b"caf\xe9 x",
        b"\xe9a",
        b"a'\\\xff\nb",
        "Zürich\u202e".encode(),
        b"$HOME`id`\x01",
    ]
    words = [word(os.fsdecode(name)) for name in names]
    assert all(one.isprintable() for one in words)
    done = subprocess.run(
        ["bash", "-c", f"printf '%s\\0' {' '.join(words)}"], capture_output=True, check=True
    )
    assert done.stdout.split(b"\0")[:-1] == names
    assert word("plain") == "plain"
    assert word("\ud800").isprintable()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("::error::x", r"\x3a:error::x"),
        ("a:::Add-Mask::x", r"a:\x3a:Add-Mask::x"),
        ("gone ##[error]x", r"gone \x23#[error]x"),
        ("##vso[task.complete]", r"\x23#vso[task.complete]"),
        ("##teamcity[x]", r"\x23#teamcity[x]"),
        ("\n::stop-commands::x", r" \x3a:stop-commands::x"),
    ],
)
def test_what_a_runner_of_jobs_obeys_is_shown(text: str, shown: str) -> None:
    assert clean(text) == shown
    assert (
        clean("fe80::1 and ::ffff:10.0.0.1, a heading ## b") == "fe80::1 and ::ffff:10.0.0.1, a heading ## b"
    )


def test_a_log_line_is_one_line_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    stream = io.StringIO()
    log_to(logging.WARNING, logging.StreamHandler(stream))
    logging.getLogger("harness.system.process").warning("run %s\n2026 forged line", EVIL)
    assert stream.getvalue().count("\n") == 1
    assert harmless(stream.getvalue())
    assert r"\x1b[31mred" in stream.getvalue()


@pytest.mark.parametrize(
    "words",
    [
        [EVIL],
        ["run", EVIL],
        ["run", f"{EVIL}.py"],
        ["run", "none:samba-4.22:windows-7:open", f"--{EVIL}"],
        ["plan", f"{EVIL}:{EVIL}"],
        ["show", EVIL],
        ["show", EVIL, EVIL],
        ["list", EVIL],
        ["report", EVIL],
        ["report", EVIL, "--runs", "/nowhere/at/all"],
        ["learn", EVIL],
        ["expose", EVIL],
        ["list", "clients", "--personas", EVIL],
        ["list", "clients", "--exposures", EVIL],
    ],
    ids=lambda words: " ".join(words).replace(EVIL, "EVIL"),
)
def test_an_error_shows_what_was_given_and_harms_nobody(words: list[str]) -> None:
    done = rehearse(*words)
    assert done.status == 64, done
    assert r"\x1b[31mred\u202e\x9b2Jgone" in done.stderr
    assert harmless(done.stderr)
    assert len(done.stderr.splitlines()) == 1


def test_what_was_cleaned_may_have_any_name(tmp_path: Path) -> None:
    (tmp_path / EVIL / "lab").mkdir(parents=True)
    done = rehearse("clean", "--runs", tmp_path)
    assert done.stdout == rf"removed lab of the interrupted run {clean(EVIL)}" + "\n"
