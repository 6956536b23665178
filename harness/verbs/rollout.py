"""``rehearse rollout``: a staged plan from a finished run, for the machines that there are."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from harness.catalogue import Catalogue
from harness.clients.persona import Persona
from harness.errors import RehearsalError, UsageError
from harness.record import folders, journal, readback
from harness.report.documents.rollout import render_json
from harness.report.language import DEFAULT, language, of_reader
from harness.report.page import console_for
from harness.report.rollout.view import Plan
from harness.result import RunResult
from harness.rollout.crowd import each_kind_once
from harness.rollout.homes import as_one
from harness.rollout.plan import make
from harness.rollout.remedies import Kinship
from harness.rollout.wishes import Due, UnmetError, Wishes
from harness.system.garbage import not_searched
from harness.system.plain import say
from harness.system.registry import lookup
from harness.verbs.fleet_of_run import of_run

_VERSION = re.compile(r"[-.]?\d.*$")
_WINDOWS = re.compile(r"windows-(?!server)")


def rollout(options: argparse.Namespace) -> int:
    """Find the plan, show it, and store it where that is asked for.

    Raises UsageError for words that fit nothing, and UnmetError for a demand that nothing measured meets.
    """
    if options.json and options.format not in ("text", "json"):
        raise UsageError(
            f"--json and --format {options.format} are two formats for one output",
            "leave one of them off; --write FILE stores the JSON besides",
        )
    folder = folders.named(options.runs, options.run)
    catalogue: Catalogue = options.catalogue.adding(*folders.of_run(folder))
    with not_searched():
        result = as_one(readback.result_of(catalogue, journal.load(folder)))
        wishes = _wishes(options, result, catalogue)
        fleet = of_run(options, catalogue) or result.fleet or each_kind_once(result)
        found = make(result, fleet, wishes, kinship(catalogue))
    lang = DEFAULT if options.json or options.format == "json" else of_reader(options.lang)
    plan = Plan(catalogue, result, found, language(lang))
    command = _command(options, folder)
    if options.write is not None:
        _store(options.write, render_json(plan, command))
    _show(plan, options, command)
    return 0


def _show(plan: Plan, options: argparse.Namespace, command: str) -> None:
    shown = "json" if options.json else options.format
    if shown == "json":
        print(render_json(plan, command))
    elif shown == "markdown":
        from harness.report.rollout.markdown import render as markdown

        sys.stdout.write(_encodable(markdown(plan, command)))
    elif shown == "html":
        from harness.report.html.rollout_page import render as page

        sys.stdout.write(page(plan, command))
    else:
        from harness.report.rollout.terminal import render as text

        text(plan, console_for(sys.stdout))


def _encodable(text: str) -> str:
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _store(path: Path, text: str) -> None:
    try:
        path.write_text(text + "\n", encoding="ascii")
    except OSError as error:
        raise RehearsalError(f"{path} cannot be written: {error.strerror}", "name another file") from error
    say(f"written: {path}")


def _wishes(options: argparse.Namespace, result: RunResult, catalogue: Catalogue) -> Wishes:
    """The demands of the command line, in the names of the run."""
    clients = dict.fromkeys(cell.cell.client for cell in result.cells)
    servers = dict.fromkeys(cell.cell.server for cell in result.cells)
    exposures = dict.fromkeys(one.exposure for one in result.exposures)
    for name in _words(options.servers):
        lookup("server of that run", name, servers, "rehearse report --details")
    if options.legacy and options.legacy not in servers:
        lookup("server", options.legacy, catalogue.servers)
        raise UnmetError(
            f"--legacy {options.legacy} cannot be met: it was not rehearsed in {result.run}",
            f"measure it: rehearse run CHANGES:{options.legacy}:CLIENTS",
        )
    return Wishes(
        options.stages,
        tuple(
            dict.fromkeys(
                name
                for word in _words(options.never_lose)
                for name in _named("client", word, clients, catalogue.clients)
            )
        ),
        tuple(
            Due(exposure, stage)
            for word, stage in (_due(text, options.stages) for text in _words(options.close))
            for exposure in _named("exposure", word, exposures, catalogue.exposures)
        ),
        tuple(_words(options.servers)),
        options.legacy,
    )


def _words(given: Iterable[str] | None) -> list[str]:
    return [word.strip() for text in given or () for word in text.split(",") if word.strip()]


def _named(kind: str, word: str, of_run: Iterable[str], known: Iterable[str]) -> list[str]:
    """The names of the run that a word with * selects.

    Where the run has none, what there is stays, for whoever says what that means. Raises UsageError for what
    there is not.
    """
    run, others = ([name for name in names if fnmatchcase(name, word)] for names in (of_run, known))
    return run or others or [lookup(kind, word, {name: name for name in (*known, *of_run)})]


def _due(text: str, stages: int) -> tuple[str, int]:
    name, _, number = text.rpartition(":")
    if not name or not number.isascii() or not number.isdecimal():
        raise UsageError(f"--close {text}: is not EXPOSURE:STAGE", "e.g. --close smb1-spoken:2")
    if not 1 <= int(number) <= stages:
        raise UsageError(f"--close {text}: there is no stage {number}", f"the plan has {stages}: --stages N")
    return name, int(number)


def kinship(catalogue: Catalogue) -> Kinship:
    """Which clients are variants of each other, and which are releases of one family, by their names."""
    based_on: Mapping[str, str] = {
        name: client.data.based_on
        for name, client in catalogue.clients.items()
        if isinstance(client, Persona) and client.data.based_on
    }
    return Kinship(based_on, {name: family(name) for name in catalogue.clients})


def family(name: str) -> str:
    """What releases of one make have in common: the name without its version; "windows" for all desktops."""
    return "windows" if _WINDOWS.match(name) else _VERSION.sub("", name)


def _command(options: argparse.Namespace, folder: Path) -> str:
    """The words that make the plan again."""
    words = ["rehearse", "rollout", "--run", folder.name]
    for name in ("never_lose", "close", "servers"):
        for value in getattr(options, name) or ():
            words += [f"--{name.replace('_', '-')}", value]
    words += ["--fleet", *filter(None, [options.fleet])] if options.fleet is not None else []
    words += ["--no-fleet"] if options.no_fleet else []
    words += ["--legacy", options.legacy] if options.legacy else []
    words += ["--stages", str(options.stages)]
    return shlex.join(words)
