"""``rehearse change``: a configuration of the user's own, and what is to be changed in it."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from harness.catalogue import Catalogue
from harness.catalogue.sources import server_in
from harness.errors import UsageError
from harness.grammar.words import SET, UNSET, closed
from harness.importing import entry, judge, patches, release
from harness.importing.differing import Difference, appearing, difference
from harness.mitigations import ways
from harness.mitigations.base import SEPARATOR, NotApplicableError
from harness.mitigations.inline import Line, is_inline
from harness.model import CellId, Check, Tier
from harness.planning import planner, reach
from harness.planning.plan import Plan
from harness.servers import description
from harness.servers.base import Conf, Server
from harness.servers.brought import Brought, Role
from harness.servers.roles import BroughtServer
from harness.servers.unseen import unseen
from harness.system import files, tempdirs
from harness.system.plain import many, say
from harness.verbs import bringing, gating, outputs, windows_change
from harness.verbs import fleet_of_run as fleets
from harness.verbs import run as running

_ONCE = (Check.BROWSE, Check.BROWSE_CONNECTED, Check.PRINT)
"""Checks of a server, which say the same whatever share is opened after them."""


def change(options: argparse.Namespace) -> int:
    """Bring a configuration along, rehearse the change in it, report; the exit status is the verdict."""
    wanted = outputs.wanted(options)
    _check_words(options)
    with tempdirs.folder("change") as folder:
        catalogue: Catalogue = options.catalogue
        try:
            found = _before(options, catalogue, folder)
        except _SaidError as error:
            return error.status
        before = found.before
        own = [] if options.windows_server else _parts(options)
        parts = [*found.parts, *own]
        if not parts:
            raise UsageError(
                "there is nothing to change", "add --set 'server min protocol = SMB3', or --after FILE"
            )
        coming = appearing(before.conf, _made_in(before.conf, parts, own, before.name))
        hidden = unseen(Line.parse(part).parameter for part in filter(is_inline, parts))
        for sentence in hidden:
            say(f"note: {sentence}")
        # Every report is to say what is left out: what is printed now is gone with the terminal.
        remarks = (*before.remarks, *found.left_out, *hidden)
        if options.by:
            parts = [f"{part}{ways.MARK}{options.by}" for part in parts]
        description.write(folder / "before.json", replace(before, remarks=remarks, appearing=coming))
        catalogue = catalogue.adding(server_in(folder / "before.json"))
        made = _planned(catalogue, options, before, SEPARATOR.join(parts))
        gates = gating.given(catalogue, options)
        kept = running.new_folder(catalogue, options.runs, made)
        return running.rehearsed(catalogue, kept, options, wanted, gates)


def _check_words(options: argparse.Namespace) -> None:
    """Raises UsageError for options that do not go together."""
    windows_change.check_words(options)
    if options.by and options.by not in ways.WAYS:
        raise UsageError(
            f"{options.by!r} is no way to put smb.conf into force", f"ways: {', '.join(ways.WAYS)}"
        )
    if options.by and options.windows_server:
        raise UsageError("--by is about smb.conf, which a Windows server does not have", "leave out --by")
    if options.windows_server:
        if options.acl:
            raise UsageError("--acl is about folders of a Samba server", "leave out --acl")
        return
    if options.after and not options.before:
        raise UsageError("--after says what --before becomes", "add: --before FILE")
    if options.before and (options.smb_conf or not options.after or options.diff):
        raise UsageError("--before and --after are the two files of a change", "name both, and no other")
    if not options.before and not options.smb_conf:
        raise UsageError("no configuration is named", "add: --smb-conf /etc/samba/smb.conf")
    if options.release and options.version_said:
        raise UsageError("the release is named twice", "either --release or --version")


def _parts(options: argparse.Namespace) -> list[str]:
    """The lines that the words set and take out."""
    return [
        *(closed(SET, text.strip()) for text in options.set or ()),
        *(closed(UNSET, text.strip()) for text in options.unset or ()),
    ]


def _set_lines(options: argparse.Namespace) -> tuple[judge.Set, ...]:
    """What ``--set`` sets. Raises UsageError."""
    found = map(Line.parse, _parts(options))
    return tuple(judge.Set(one.share, one.parameter, one.value) for one in found if one.value is not None)


def _made_in(conf: Conf, parts: Sequence[str], own: Sequence[str] = (), name: str = "") -> Conf:
    """A configuration with each of those lines that can be made there.

    Raises UsageError for one of the user's ``own`` that cannot; ``name``: what the server is called.
    """
    for part in filter(is_inline, parts):
        try:
            conf = Line.parse(part).made_in(conf, name)
        except NotApplicableError as error:
            if part in own:
                raise UsageError(f"{part}: {error}", "nothing of the change is made") from error
    return conf


def _before(options: argparse.Namespace, catalogue: Catalogue, folder: Path) -> Difference:
    """The configuration before the change, and what two files differ in."""
    if options.windows_server:
        found = windows_change.brought(options, catalogue, options.name or _name(options.windows_server))
        for sentence in found.left_out:
            say(f"note: {sentence}")
        return found
    base, differs = release.nearest(options.release or options.version_said or "", catalogue.servers)
    if differs:
        say(f"note: {differs}")
    before, after = _brought(options, catalogue, folder, base, differs)
    return _difference(before, after)


def _difference(before: Brought, after: Brought | None) -> Difference:
    """What two files differ in, where there are two. Raises UsageError where none of it can be rehearsed."""
    if after is None:
        return Difference((), (), before)
    found = difference(before, after)
    for sentence in found.left_out:
        say(f"note: {sentence}")
    if not found.parts:
        raise UsageError(
            "the two configurations say the same, as far as they can be rehearsed",
            "; ".join(found.left_out) or "another spelling, and comments, change nothing",
        )
    return found


def _brought(
    options: argparse.Namespace, catalogue: Catalogue, folder: Path, base: Server, differs: str
) -> tuple[Brought, Brought | None]:
    """The configuration before the change, and after it where a file or a diff says so."""
    first: Path = options.smb_conf or options.before
    others = tuple(options.include or ())
    wanted = [entry.Wanted(first=first, others=others, shown=str(first), into="before.json")]
    if options.after:
        more = (*others, *bringing.beside(first))
        wanted.append(
            entry.Wanted(first=options.after, others=more, shown=str(options.after), into="after.json")
        )
    elif options.diff or (not options.set and not options.unset and not sys.stdin.isatty()):
        wanted = _of_diff(options, folder, first, others)
    root = bringing.root_of(catalogue, base, quiet=options.quiet)
    asked = entry.Asked(
        name=options.name or _name(first),
        image=base.image,
        root=root,
        remarks=(differs,) if differs else (),
        lines=_set_lines(options),
        files=tuple(one.model_copy(update={"acl": options.acl and options.acl.absolute()}) for one in wanted),
    )
    status = bringing.in_the_lab(folder, asked)
    if status:
        raise _SaidError(status)
    found = [description.read(folder / one.into) for one in wanted]
    return found[0], found[1] if len(found) > 1 else None


class _SaidError(Exception):
    """The configuration could not be brought along, which was said where it was tried."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def _of_diff(
    options: argparse.Namespace, folder: Path, first: Path, others: Sequence[Path]
) -> list[entry.Wanted]:
    """The two sides of a diff, as files."""
    if options.diff and str(options.diff) != "-":
        patch = files.read(options.diff, "as git diff prints it", patches.LARGEST)
    else:
        patch = sys.stdin.buffer.read(patches.LARGEST + 1)
    sides = patches.both_sides(patch, files.read(first, "give the smb.conf of a Samba server"), str(first))
    wanted = []
    for side, data in zip(("before", "after"), sides, strict=True):
        file = folder / side / first.name
        file.parent.mkdir()
        file.write_bytes(data)
        more = (*others, *bringing.beside(first))
        shown = f"{first} {side} the diff"
        wanted.append(entry.Wanted(first=file, others=more, shown=shown, into=f"{side}.json"))
    return wanted


def _name(file: Path) -> str:
    """What the server is called: its folder or file, unless that says nothing."""
    for word in (file.stem, file.resolve().parent.name):
        made = re.sub(r"[^A-Za-z0-9.-]+", "-", word).strip("-.")[:40].strip("-.")
        if made and made.lower() not in ("smb", "samba", "etc", "smb.conf"):
            return made
    return "server"


def _planned(catalogue: Catalogue, options: argparse.Namespace, brought: Brought, change: str) -> Plan:
    """Every client on every share, and what a server is asked once on one of its shares alone."""
    servers = [one for one in catalogue.servers.values() if _is_asked(one, brought, options)]
    if not servers:
        there = dict.fromkeys(
            one.section
            for one in catalogue.servers.values()
            if isinstance(one, BroughtServer) and one.brought.name == brought.name
        )
        raise UsageError(f"{brought.name} has no such share and role", f"its shares: {', '.join(there)}")
    named = catalogue.mitigation(change)
    say(f"{brought.name}: {named.title}")
    fleet = fleets.of_run(options, catalogue)
    clients = fleets.clients_of(fleet, catalogue, Tier.LOCAL) if fleet else ()
    selector = ":".join(
        [
            named.name,
            ",".join(one.name for one in servers),
            ",".join(options.client or clients or ["*"]),
            ",".join(options.check or ["*"]),
        ]
    )
    made = planner.from_selectors(catalogue, [selector], Tier.LOCAL, probes=not options.no_exposures)
    first: dict[Role, str] = {}
    for one in servers:
        if isinstance(one, BroughtServer):
            first.setdefault(one.role, one.name)

    def keep(cell: CellId) -> bool:
        return cell.check not in _ONCE or cell.server in first.values()

    made = replace(made.only(keep), name=f"change-{brought.name}", fleet=fleet)
    if fleet is not None:
        say(fleets.in_words(fleet, made, catalogue))
    say(_counted(made, catalogue))
    return reach.within_reach(catalogue, made)


def _counted(made: Plan, catalogue: Catalogue) -> str:
    """How much is measured: what the change cannot be made on has no cell any more."""
    asked = [catalogue.servers[name] for name in dict.fromkeys(cell.server for cell in made.cells)]
    shares = {one.section: one.section for one in asked if isinstance(one, BroughtServer)}
    roles = dict.fromkeys(one.role for one in asked)
    return f"{many(len(made.cells), 'cell')} on {many(len(shares), 'share')}, as {', '.join(roles)}"


def _is_asked(server: Server, brought: Brought, options: argparse.Namespace) -> bool:
    return (
        isinstance(server, BroughtServer)
        and server.brought.name == brought.name
        and (not options.share or server.section.casefold() in map(str.casefold, options.share))
        and (not options.role or server.role in options.role)
    )
