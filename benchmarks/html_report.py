"""The HTML report of ten thousand cells: how long is it written, opened, filtered and turned?

    python -m benchmarks.html_report --cells 10000

Compared with the result document of the same run as JSON, in seconds of the processor; and, where chromium is
installed, with opening the same page without its script, which is a plain table. Needs neither lab nor root.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice, product
from pathlib import Path
from typing import TypeVar

from playwright.sync_api import Page, sync_playwright
from rich.console import Console

from harness.catalogue import made_of
from harness.model import Attempt, CellId, Effect, Outcome, Phase, Side, Step, StepName
from harness.report.documents.result import render_json
from harness.report.formats import FORMATS, Source
from harness.report.terminal import render
from harness.result import CellResult, ClientFact, RunResult, ServerFact

T = TypeVar("T")
DENIED = "STATUS_ACCESS_DENIED"


def main(argv: Sequence[str]) -> int:
    """Prints a line for each thing that is measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.html_report", description=__doc__)
    parser.add_argument("--cells", type=int, default=10_000)
    options = parser.parse_args(argv)
    run = made_up(options.cells)
    as_json, text = _timed(lambda: render_json(run), time.process_time)
    source = Source(run, Path(), made_of())
    whole, page = _timed(lambda: FORMATS["html"].write(source), time.process_time)
    print(f"{len(run.cells)} cells: JSON {len(text) / 1e6:.1f} MB, HTML {len(page) / 1e6:.1f} MB")
    print(f"JSON written in {as_json:.2f} s of the processor")
    print(f"HTML written in {whole:.2f} s: {whole / as_json:.2f} times the time of JSON")
    console = Console(file=io.StringIO(), width=100)
    screen, _ = _timed(lambda: render(run, console), time.process_time)
    print(
        f"first screen of a terminal drawn in {screen:.2f} s: {screen / as_json:.2f} times the time of JSON"
    )
    if shutil.which("chromium"):
        _in_chromium(page)
    else:
        print("not opened: there is no chromium")
    return 0


def _timed(work: Callable[[], T], clock: Callable[[], float] = time.perf_counter) -> tuple[float, T]:
    began = clock()
    made = work()
    return clock() - began, made


def _in_chromium(page: str) -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "page.html"
        file.write_text(page, encoding="ascii")
        words = ["--no-sandbox"] if os.geteuid() == 0 else []
        with playwright.chromium.launch(executable_path=shutil.which("chromium"), args=words) as browser:
            plain = browser.new_context(java_script_enabled=False).new_page()
            without, _ = _timed(lambda: plain.goto(file.as_uri()))
            tab = browser.new_page()

            def until_usable() -> None:
                tab.goto(file.as_uri())
                tab.wait_for_selector("html[data-ready]")

            usable, _ = _timed(until_usable)
            print(
                f"usable after {usable:.2f} s: {usable / without:.2f} times the plain page ({without:.2f} s)"
            )
            for what, script in (
                ("filtered", "location.hash = '#only=lost'"),
                ("grouped by client", "location.hash = '#pivot=client'"),
                ("a cell opened", "document.querySelector('#matrix button').click()"),
            ):
                took, _ = _timed(partial(_drawn, tab, script))
                print(f"{what} and drawn in {took:.2f} s: {took / usable:.2f} times the opening")


def _drawn(tab: Page, script: str) -> None:
    """Runs it and waits for the second frame after it: then the first is painted."""
    frames = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    tab.evaluate(f"() => {{ {script}; return {frames}; }}")


def made_up(count: int) -> RunResult:
    """A run of so many cells; every third is lost."""
    changes = [f"change-{number}" for number in range(40)]
    servers = [f"server-{number}" for number in range(8)]
    clients = [f"client-{number}" for number in range(-(-count // (40 * 8 * 4)) or 1)]
    ids = islice(product(changes, servers, clients, ("browse", "open", "write", "list")), count)
    return RunResult(
        run="made-up",
        lab="local",
        complete=True,
        scenarios=(),
        servers={name: ServerFact(name, "a server", "Samba 4.22", "real") for name in servers},
        clients={name: ClientFact(name, "a client", "recorded", "impacket") for name in clients},
        mitigations={},
        cells=tuple(_cell(CellId(*names), number) for number, names in enumerate(ids)),
        planned=count,
    )


def _cell(cell: CellId, number: int) -> CellResult:
    lost = number % 3 == 0
    names = (StepName.CONNECT, StepName.NEGOTIATE, StepName.SESSION_SETUP, StepName.TREE_CONNECT)
    steps = tuple(Step(name, "STATUS_SUCCESS", 1.0 + number % 97) for name in (*names, StepName.LIST))
    well = Attempt(Outcome.OK, steps, 21.5, dialect="3.1.1", signed=True, encrypted=False, auth="NTLMv2")
    stopped = (*steps[:3], Step(StepName.TREE_CONNECT, DENIED, 0.5 + number % 89))
    where = StepName.TREE_CONNECT
    no = Attempt(Outcome.REFUSED, stopped, 9.5, step=where, status=DENIED, side=Side.SERVER)
    phases = {Phase.BASELINE: well, Phase.APPLIED: no if lost else well, Phase.ROLLED_BACK: well}
    cause, sees = (
        (f"the server refuses this ({number % 50})", "Access is denied (error 5)") if lost else ("", "")
    )
    effect, owner = (Effect.LOST, Side.SERVER) if lost else (Effect.KEPT, None)
    return CellResult(cell, effect, not lost, True, cause, sees, owner, "", phases)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
