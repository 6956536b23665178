"""``rehearse fleet audit`` as text, Markdown and JSON: what to run, how long to wait, what to read back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Any, Final

from harness.fleet.auditing.audit import Audit, Export, Step
from harness.report.json_text import dump

SCHEMA: Final = 1
"""Grows when a field changes its meaning or goes; additions do not count."""
_WIDTH: Final = 100
_WHERE: Final = {"sh": "as root, in a shell", "powershell": "as administrator, in PowerShell"}


def as_json(audits: Sequence[Audit]) -> str:
    """One document of all of them."""
    return dump({"schema": SCHEMA, "audits": list(map(_part, audits))})


def _part(audit: Audit) -> dict[str, Any]:
    return {
        "server": audit.server,
        "shell": audit.shell,
        "days": audit.days,
        "on": list(map(_step, audit.on)),
        "export": [{**_step(one.step), "importer": one.kind, "tells": one.tells} for one in audit.exports],
        "off": list(map(_step, audit.off)),
        "cannot": list(audit.cannot),
    }


def _step(step: Step) -> dict[str, Any]:
    return {"does": step.does, "commands": list(step.commands), "note": step.note}


def as_text(audits: Sequence[Audit]) -> str:
    """For a terminal: commands stand alone on their lines, so that they can be copied."""
    return "\n".join(line for audit in audits for line in _text(audit))


def _text(audit: Audit) -> Iterator[str]:
    yield f"{audit.server}: who really connects ({_WHERE[audit.shell]})"
    for title, steps in _parts(audit):
        yield from ("", *wrap(title, _WIDTH, subsequent_indent="   "))
        for step in steps:
            yield ""
            for sentence in filter(None, (step.does, step.note)):
                yield from wrap(sentence, _WIDTH, initial_indent="# ", subsequent_indent="#   ")
            yield from step.commands
    yield ""
    for sentence in _end(audit):
        yield from wrap(sentence, _WIDTH, subsequent_indent="   ")
    yield ""


def as_markdown(audits: Sequence[Audit]) -> str:
    """For a ticket or a wiki."""
    return "\n".join(line for audit in audits for line in _markdown(audit))


def _markdown(audit: Audit) -> Iterator[str]:
    yield f"## Who really connects to {audit.server}\n\nRun these {_WHERE[audit.shell]}."
    for title, steps in _parts(audit):
        yield f"\n### {title}"
        for step in steps:
            yield f"\n**{step.does}.** {step.note}".rstrip()
            yield from ("", f"```{audit.shell}", *step.commands, "```")
    yield from ("", *(f"{line}\n" for line in _end(audit)))


def _parts(audit: Audit) -> Iterator[tuple[str, tuple[Step, ...]]]:
    yield "1. Turn auditing on", audit.on
    yield f"2. {audit.wait}", ()
    yield "3. Export", tuple(_export(one) for one in audit.exports)
    yield "4. Turn auditing off again", audit.off


def _export(one: Export) -> Step:
    note = f"It tells: {one.tells}. {one.step.note}".rstrip()
    return Step(one.step.does, one.step.commands, note)


def _end(audit: Audit) -> Iterator[str]:
    yield "5. Read it back: rehearse fleet import FILE..."
    yield from (f"Not told: {sentence}" for sentence in audit.cannot)
