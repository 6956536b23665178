"""``rehearse shell``: inside the lab at one cell, or in a machine that is up."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from shlex import quote

from harness.catalogue import Catalogue
from harness.catalogue.sources import as_json
from harness.errors import UsageError
from harness.labs import cleanup, namespace
from harness.mitigations import NONE
from harness.model import CellId, Phase, Tier
from harness.planning import planner, reach
from harness.planning.plan import Plan
from harness.record import folders, replaying
from harness.report.language import DEFAULT, of_reader
from harness.report.standing import SMBCLIENT
from harness.system import environment, tempdirs
from harness.system.entry import STOPPED
from harness.system.plain import say
from harness.verbs import remote_libvirt
from harness.verbs.run import around, gathered


def shell(options: argparse.Namespace) -> int:
    """A shell or a command on our own terminal; its exit status. Raises UsageError, LabFault."""
    if options.cell:
        if options.name:
            # ``shell --cell CELL uptime``: the first word of the command.
            options.command = [options.name, *options.command]
        return _at_cell(options)
    if not options.name:
        raise UsageError(
            "no cell and no machine is named", "rehearse shell --cell CELL; See: rehearse help shell"
        )
    if options.phase or options.run is not None:
        raise UsageError("--phase and --run are for a cell", "name one: --cell CELL")
    # What knows Vagrant is loaded where it is used alone.
    from harness.verbs import machines

    return machines.shell(options)


def _at_cell(options: argparse.Namespace) -> int:
    for what in cleanup.sweep(options.runs):
        say(f"cleaned: {what}")
    catalogue, made = _planned(options)
    (cell,) = made.cells
    phase = _phase(options, cell)
    with tempdirs.folder("shell") as folder:
        more = (catalogue.clients[SMBCLIENT].image,)
        found, means = gathered(catalogue, options, made, folder, more=more)
        users = os.memfd_create("users")
        try:
            os.write(users, json.dumps(environment.users()).encode())
            os.lseek(users, 0, os.SEEK_SET)
            argv = [sys.executable, "-m", "harness.system.entry", "harness.conduct.cell_shell", str(folder)]
            argv += [f"--image={name}={path}" for name, path in found.items()]
            argv += [f"--cell={cell}", f"--phase={phase}", f"--around={users}", f"--directory={_here()}"]
            argv.append(f"--lang={_language(options)}")
            argv.append(f"--sources={as_json(catalogue.sources)}")
            argv += [f"--means={means}"] if means else []
            argv += ["--", *options.command] if options.command else []
            heard: list[int] = []
            status = namespace.enter(argv, env=around(made), pass_fds=[users], unblocks=True, passed_on=heard)
        finally:
            os.close(users)
    return STOPPED if heard else status


def _planned(options: argparse.Namespace) -> tuple[Catalogue, Plan]:
    """What there is, and the plan of the one cell. Raises UsageError."""
    catalogue: Catalogue = options.catalogue
    if options.run is None:
        made = planner.from_selectors(catalogue, [options.cell], Tier(options.lab))
    else:
        folder = replaying.folder_of(options.runs, options.run)
        recorded = replaying.read(folder)
        catalogue = catalogue.only(*folders.of_run(folder))
        chosen = replaying.chosen(catalogue, recorded, [options.cell])
        made = replaying.plan_for(catalogue, recorded, chosen)
    if len(made.cells) != 1:
        raise UsageError(
            f"{options.cell!r} selects {len(made.cells)} cells, and a shell is at one of them",
            f"name it: --cell {quote(str(made.cells[0]))}",
        )
    if made.lab is Tier.VAGRANT and remote_libvirt.wanted(options) is not None:
        raise UsageError(
            "a shell at a cell is in virtual machines of this machine alone",
            "leave --connect off, or: rehearse up NAME --connect URI",
        )
    return catalogue, reach.within_reach(catalogue, made)


def _phase(options: argparse.Namespace, cell: CellId) -> Phase:
    """Raises UsageError where a cell has not the phase."""
    if options.phase is None:
        return Phase.BASELINE if cell.mitigation == NONE else Phase.APPLIED
    phase = Phase(options.phase.replace("-", "_"))
    if cell.mitigation == NONE and phase is not Phase.BASELINE:
        raise UsageError(f"{cell} changes nothing: it has no phase {options.phase}", "add: --phase baseline")
    return phase


def _language(options: argparse.Namespace) -> str:
    """The reader's; English on a terminal that cannot show all letters, as everywhere."""
    shows_all = (sys.stderr.encoding or "").lower().replace("-", "").startswith("utf")
    return of_reader(options.lang) if shows_all else DEFAULT


def _here() -> Path:
    """The user's directory; / where it is gone."""
    try:
        return Path.cwd()
    except OSError:
        return Path("/")
