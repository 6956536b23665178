"""``rehearse boxes``: where the machines of the Vagrant lab come from."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.errors import LabFault, UsageError
from harness.labs import boxes, guests
from harness.labs.boxes import fetch, trial
from harness.labs.guests import BuiltBox, FileBox, Guest, RegistryBox, UrlBox
from harness.report.listing import Table
from harness.report.page import console_for
from harness.report.progress import Progress
from harness.system.registry import lookup


def boxes_(options: argparse.Namespace) -> int:
    """List, build, fetch or verify boxes."""
    operations: dict[str, Callable[[argparse.Namespace], int]] = {
        "list": _list,
        "build": _build,
        "fetch": _fetch,
        "verify": _verify,
    }
    return operations[options.operation](options)


def _list(options: argparse.Namespace) -> int:
    catalogue = guests.load()
    wanted = [guests.find(name, catalogue) for name in options.names] or list(catalogue.values())
    built = {state.name: state for state in boxes.status()}
    home = fetch.vagrant_home()
    rows = []
    for guest in wanted:
        box = guest.box
        if isinstance(box, BuiltBox):
            found = lookup("box", box.recipe, built, "rehearse boxes build")
            state = found.state + (f", {found.size >> 20} MB" if found.size else "")
        else:
            versions = fetch.installed(box.name, home)
            state = "; ".join(f"{key} ({', '.join(one)})" for key, one in versions.items()) or "missing"
        licence = guest.licence
        if guest.evaluation_days:
            licence += f", {guest.evaluation_days} days"
        rows.append(
            (
                guest.name,
                ", ".join(guest.roles),
                state,
                _source(guest),
                licence,
                "yes" if guest.verified else "no: never started by this project",
                guest.title + (f" ({guest.note})" if guest.note else ""),
            )
        )
    table = Table(("guest", "roles", "state", "source", "licence", "verified", "what"), tuple(rows))
    if options.json:
        print(table.as_json())
    else:
        table.render(console_for(sys.stdout))
    return 0


def _source(guest: Guest) -> str:
    box = guest.box
    match box:
        case BuiltBox():
            return f"built here ({box.recipe})"
        case RegistryBox():
            return f"registry: {box.name} {box.version}"
        case UrlBox():
            return box.url
        case FileBox():
            return box.path
    return f"bring your own ({box.name})"


def _build(options: argparse.Namespace) -> int:
    """Build what is missing or outdated: the named boxes, or those of the named guests, or all."""
    names = _recipes(options.names)
    with Progress(console_for(sys.stderr), quiet=options.quiet, kind="box") as progress:
        if options.again:
            mine = boxes.store()
            for name in names:
                mine.drop(name)
        found = boxes.ensure(names, progress.image)
    rows = tuple((box.name, box.version, str(box.file), box.sha256) for box in found.values())
    _show(Table(("box", "version", "file", "sha256"), rows), json=options.json)
    return 0


def _recipes(names: Sequence[str]) -> list[str]:
    """The recipes behind names of boxes or guests; all without a name. Raises UsageError."""
    if not names:
        return list(boxes.BOXES)
    found = []
    catalogue = guests.load()
    for name in names:
        guest = catalogue.get(name)
        if guest is None:
            lookup("box", name, {**boxes.BOXES, **catalogue}, "rehearse boxes list")
            found.append(name)
        elif isinstance(guest.box, BuiltBox):
            found.append(guest.box.recipe)
        else:
            raise UsageError(f"the box of {name} is not made here", f"rehearse boxes fetch {name}")
    return list(dict.fromkeys(found))


def _fetch(options: argparse.Namespace) -> int:
    """Fetch the boxes of the named guests."""
    if not options.names:
        raise UsageError("no guest is named", "See: rehearse boxes list")
    if options.from_ and len(options.names) != 1:
        raise UsageError("--from is for one guest", "name one")
    catalogue = guests.load()
    wanted = [guests.find(name, catalogue) for name in options.names]
    rows = []
    with Progress(console_for(sys.stderr), quiet=options.quiet, kind="box") as progress:
        for guest in wanted:

            def tell(text: str, done: float, name: str = guest.name) -> None:
                progress.image(name, done, text)

            provider = options.provider or guest.providers[0]
            said = fetch.fetch(guest, provider, tell, given=options.from_, again=options.again)
            rows.append((guest.name, provider, said))
    _show(Table(("guest", "provider", "what"), tuple(rows)), json=options.json)
    return 0


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What verifying one box gave."""

    name: str
    ok: bool
    detail: str


def _verify(options: argparse.Namespace) -> int:
    """Compare boxes that were built with what was recorded, and with --boot see that they boot."""
    named = bool(options.names)
    found = []
    for name in _recipes(options.names):
        if not named and boxes.store().status(name).state == "missing":
            continue
        try:
            found.append(_Verdict(name, True, _verified(name, boot=options.boot)))
        except LabFault as fault:
            found.append(_Verdict(name, False, str(fault)))
    rows = tuple((one.name, "ok" if one.ok else "WRONG", one.detail) for one in found)
    _show(Table(("box", "verdict", "detail"), rows), json=options.json)
    return 0 if all(one.ok for one in found) else LabFault.exit_status


def _verified(name: str, *, boot: bool) -> str:
    box = boxes.verify(name)
    if not boot:
        return f"as built, version {box.version}"
    took = trial.boot(box, smb="samba" in boxes.BOXES[name].packages)
    how = "under KVM" if took.accelerated else "emulated"
    smb = "" if took.smb is None else f", SMB after {took.smb:.1f} s"
    return f"as built, version {box.version}; SSH answered after {took.ssh:.1f} s{smb} ({how})"


def _show(table: Table, *, json: bool) -> None:
    if json:
        print(table.as_json())
    else:
        table.render(console_for(sys.stdout))
