"""One attempt of a client against a server of the lab, told step by step: what ``rehearse-attempt`` runs."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from harness.catalogue import Source, made_of
from harness.clients.base import attempt
from harness.model import FROM_NOW_ON, Check, ClientPolicy, Outcome, Target
from harness.report.cell import show_attempt
from harness.report.explain import emulated
from harness.report.labels import MARK
from harness.report.page import Page, console_for
from harness.system import files

STATUSES = {Outcome.OK: 0, Outcome.REFUSED: 1, Outcome.FAULT: 2, Outcome.UNSUPPORTED: 3}
"""Exit statuses."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is to attempt what, where."""

    client: str
    policy: ClientPolicy
    check: Check
    target: Target
    sources: tuple[Source, ...]
    """What the client may come from."""


_asked: TypeAdapter[Asked] = TypeAdapter(Asked)


def write(asked: Asked, path: Path) -> None:
    """Leave it for ``main``; the password is in it, so that nobody else may read it. Raises OSError."""
    path.touch(mode=0o600)
    path.write_bytes(_asked.dump_json(asked))


def main(argv: Sequence[str]) -> int:
    """Make the attempt; the exit status says how it ended, or that nobody reads it (| head)."""
    try:
        return _main(argv)
    except BrokenPipeError:
        # Nothing is left to say, not even by Python's own end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE


def _main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="rehearse-attempt")
    parser.add_argument("asked", type=Path)
    parser.add_argument("check", nargs="?", choices=[check.value for check in Check])
    options = parser.parse_args(argv)
    asked = _asked.validate_json(files.read(options.asked))
    check = Check(options.check or asked.check)
    title = f"{asked.client} {check}"
    if check in FROM_NOW_ON:
        # Whoever comes now has no connection from before the change.
        check, title = FROM_NOW_ON[check], f"{title}, over a new connection"
    client = made_of(*asked.sources).clients[asked.client]
    made = attempt(client, check, asked.target.given_time(check), asked.policy)
    page = Page(console_for(sys.stdout))
    show_attempt(page, f"{MARK}{title}" if emulated(client.fidelity) else title, made)
    if made.outcome is Outcome.REFUSED and not made.unsure:
        sees = made.said or client.words(str(made.step or ""), made.status or "", made.side, check)
        if sees:
            page.hanging(page.text(f'user sees "{sees}"'))
    return STATUSES[made.outcome]
