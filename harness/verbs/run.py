"""``rehearse run``: plan, build what is missing, enter the lab, measure, report."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from harness.catalogue import Catalogue, Origin
from harness.catalogue.sources import as_json
from harness.cluster.executor import Executor
from harness.errors import LabFault, UsageError
from harness.labs import cleanup, images, namespace
from harness.model import CellId, Tier
from harness.planning import covering, interpret, planner, reach, scenario, selecting, sources
from harness.planning.plan import Plan, SourceKind
from harness.record import folders, journal, readback, shards
from harness.record.judging import not_as_expected
from harness.report.formats import Source
from harness.report.language import DEFAULT as ENGLISH
from harness.report.language import language
from harness.report.page import console_for
from harness.report.planned import in_numbers
from harness.report.progress import Progress
from harness.result import RunResult
from harness.servers.base import HOST
from harness.system import environment
from harness.system.entry import STOPPED, of_the_lab
from harness.system.plain import say
from harness.verbs import fleet_of_run as fleets
from harness.verbs import gating, outputs, remote_libvirt, reusing
from harness.verbs.ending import exit_status

if TYPE_CHECKING:
    from harness.labs.vagrant.remote_lab import Link

MOST_OF_A_NAME = 100
"""Characters of a plan's name in the name of its run folder; file systems take 255 bytes for all of it."""
DEFAULT = "article"
"""The scenario that is rehearsed when none is named."""


def run(options: argparse.Namespace) -> int:
    """Rehearse. Results go to stdout, progress and logs to stderr; the exit status is the verdict."""
    wanted = outputs.wanted(options)
    catalogue: Catalogue = options.catalogue
    gates = gating.given(catalogue, options)
    # A cluster that cannot be reached leaves no run behind.
    where = executor(options)
    folder = _folder(catalogue, options)
    catalogue = catalogue.adding(*folders.of_run(folder))
    cleanup.clear(folder)
    if options.failed_only:
        not_as_expected(catalogue, journal.load(folder))  # Raises UsageError when there is nothing to do.
    return rehearsed(catalogue, folder, options, wanted, gates, where)


def rehearsed(
    catalogue: Catalogue,
    folder: Path,
    options: argparse.Namespace,
    wanted: outputs.Wanted,
    gates: gating.Given,
    where: Executor | None = None,
) -> int:
    """Measure what the plan in ``folder`` says, and report; the exit status is the verdict."""
    # What is said while it is measured is not to contradict the report.
    options.accepted = gates.accepted()
    status, result = measure(catalogue, folder, options, where)
    result = gates.held_against(result)
    source = Source(result, folder, catalogue, options.lang, called=folders.lasting(folder))
    if status == 0 or result.cells:
        if result.damage:
            say(f"rehearse: {result.run}: {result.damage}")
        wanted.show(source)
        say(f"run folder: {folder}")
    elif status == STOPPED:
        # Whoever did not end in time was killed, and said nothing.
        say(f"stopped before a cell was whole; go on with: rehearse run --resume {source.called}")
    wanted.save(source)
    return status or exit_status(result)


def measure(
    catalogue: Catalogue, folder: Path, options: argparse.Namespace, where: Executor | None = None
) -> tuple[int, RunResult]:
    """Measure what the plan in ``folder`` says, ``where`` (on this machine); how it ended, and the result.

    Raises LabFault when the lab cannot be made. A new run leaves no folder then: there is nothing in it to go
    on with, and it would be the latest one.
    """
    for what in cleanup.sweep(options.runs):
        say(f"cleaned: {what}")
    made = journal.load(folder).plan
    with journal.attended(folder):
        try:
            status = (where or Here()).measure(catalogue, folder, made, options)
        except BaseException:
            if getattr(options, "resume", None) is None:
                journal.remove_untouched(folder)
            raise
    return status, readback.result_of(catalogue, journal.load(folder))


def executor(options: argparse.Namespace) -> Executor:
    """Who measures. Raises LabFault for a cluster that cannot be used, UsageError for a lab it has not."""
    if options.cluster is None:
        if options.cluster_certificates:
            raise UsageError(
                "--cluster-certificates without --cluster: it would be measured on this machine",
                "say where the cluster is: --cluster tls://HOST:8786",
            )
        return Here()
    if options.lab != Tier.LOCAL:
        raise UsageError(
            f"--cluster measures in local labs, and not with --lab {options.lab}", "leave one of them off"
        )
    if reusing.wanted(options):
        say("nothing is reused and nothing kept: what the machines of a cluster are is not known here")
    if options.workers:
        say(
            "--workers is for a run here: how many attempts a worker makes at a time, rehearse worker is told"
        )
    # Certificates and Dask take time to load, and most runs have neither.
    from harness.cluster import link as links

    way = links.link(options.cluster, options.cluster_certificates)
    links.quietly(verbose=options.verbose)
    from harness.cluster.elsewhere import Elsewhere

    return Elsewhere.at(way)


class Here:
    """Measures in a lab of this machine (``executor.Executor``)."""

    def measure(self, catalogue: Catalogue, folder: Path, made: Plan, options: argparse.Namespace) -> int:
        """As ``Executor.measure`` has it: builds what the plan needs, and enters the lab."""
        with ExitStack() as held:
            link = held.enter_context(remote_libvirt.for_run(options, made))
            found, means = gathered(catalogue, options, made, folder, link)
            started = reusing.begun(catalogue, options, folder)
            if not started.left:
                return 0
            # Guests that are reached directly are on a bridge of this machine.
            private = link is None or link.ssh is not None
            heard: list[int] = []
            try:
                argv = _inside(catalogue, options, folder, found, means)
                status = namespace.enter(
                    argv, env=around(made), network=private, unblocks=True, passed_on=heard
                )
                status = of_the_lab(status, heard)
            finally:
                # Here, outside, no image is mounted below it. Somebody may have gone on with the run already.
                with suppress(UsageError):
                    cleanup.clear(folder)
            started.ended()
            return status


def gathered(
    catalogue: Catalogue,
    options: argparse.Namespace,
    made: Plan,
    folder: Path,
    link: Link | None = None,
    more: Sequence[str] = (),
) -> tuple[dict[str, Path], str]:
    """The images that a plan needs, built where they are missing; and with what virtual machines are made.

    That is JSON, "" for the local lab. ``more``: images that are wanted besides. Raises LabFault.
    """
    with Progress(console_for(sys.stderr), quiet=options.quiet) as progress:
        found = images.ensure(
            catalogue.images,
            tuple(dict.fromkeys(name for name in (*made.images(catalogue), *more) if name != HOST)),
            progress.image,
        )
        from harness.labs.domain import template

        found = template.with_template(found, progress.image)
        if made.lab is not Tier.VAGRANT:
            return found, ""
        # Loaded where it is used alone, as in harness.conduct.namespace_entry.
        from harness.labs.vagrant.gather import gather

        memory = getattr(options, "memory", None)
        wanted = reach.server_guests(catalogue, made)
        means = gather(
            wanted, made.guests(catalogue), memory, progress.image, progress.note, folder=folder, link=link
        )
        return found, means.model_dump_json()


def _folder(catalogue: Catalogue, options: argparse.Namespace) -> Path:
    """The run folder to measure into, with its plan."""
    home: Path = options.runs
    if options.resume is not None or options.failed_only:
        if options.what or options.only or options.pairwise or options.shard or options.fleet is not None:
            raise UsageError(
                "a run that goes on has its own cells", "leave the others off, or start a new run"
            )
        return folders.named(home, options.resume or "")
    made = planned(catalogue, options)
    if options.shard:
        if options.require or options.known:
            raise UsageError(
                "one shard says nothing of what all must hold", "rehearse merge RUN... --require FILE"
            )
        number, of = options.shard
        made = shards.split(catalogue, made, of)[number - 1]
    return new_folder(catalogue, home, made)


def new_folder(catalogue: Catalogue, home: Path, made: Plan) -> Path:
    """A new run folder with that plan. Raises LabFault when it cannot be made."""
    scripts = (one for one in made.sources if one.kind is SourceKind.SCENARIO)
    made = replace(made, sources=(*scripts, *sources.added(catalogue, made.cells)))
    stamp = datetime.now().astimezone().strftime("%Y-%m-%dT%H-%M-%S")
    folder = _unused(home, f"{stamp}-{_brief(made.name)}")
    with journal.create(folder, made):
        pass
    folders.keep(folder, catalogue, made.cells)
    return folder


def _brief(name: str) -> str:
    """The name of a plan, cut where it would be too long for a file: many scenarios have a long one."""
    first, *others = name.split("+")
    short = name if len(name) <= MOST_OF_A_NAME or not others else f"{first}+{len(others)}-more"
    return short[:MOST_OF_A_NAME]


def _unused(home: Path, name: str) -> Path:
    """A new folder of that name; numbered where another run of this second has it. Raises LabFault."""
    folder = home / name
    number = 1
    while True:
        try:
            folder.mkdir(mode=0o700, parents=True)
        except FileExistsError:
            number += 1
            folder = home / f"{name}-{number}"
        except OSError as error:
            raise LabFault(
                f"cannot make {folder}: {error.strerror}", "choose another folder with --runs"
            ) from error
        else:
            return folder


def planned(catalogue: Catalogue, options: argparse.Namespace) -> Plan:
    """The plan of the words on the command line: scenario names or paths, or cell selectors."""
    mine = [name for name in catalogue.scenarios if catalogue.origin("scenario", name) is Origin.YOURS]
    words: Sequence[str] = options.what or mine or [DEFAULT]
    lab = Tier(options.lab)
    probes = not options.no_exposures
    asked = interpret.meant(catalogue, words, lab)
    usual = place.file.defaults if (place := getattr(options, "place", None)) else None
    fleet = fleets.of_run(options, catalogue)
    clients = fleets.clients_of(fleet, catalogue, lab) if fleet else ()
    if usual or clients:
        checks = (usual.checks if usual else None) or ()
        asked = interpret.filled(asked, clients or (usual.clients if usual else None) or (), checks)
    selectors = asked.selectors
    if options.parts and not options.pairwise:
        raise UsageError("--parts says how --pairwise combines", "rehearse plan --pairwise --parts 2 CELLS")
    if options.pairwise:
        if not selectors:
            raise UsageError(
                "--pairwise needs cell selectors", "e.g.: rehearse plan --pairwise '*:samba-4.22'"
            )
        made = planner.pairwise(catalogue, selectors, lab, most=options.parts or covering.MOST, probes=probes)
    elif selectors:
        made = planner.from_selectors(catalogue, selectors, lab, probes=probes)
    else:
        scripts = [scenario.find(catalogue, word) for word in asked.scenarios]
        name = "+".join(script.name for script in scripts)
        made = planner.from_scripts(catalogue, name, scripts, lab, probes=probes)
    if options.only:
        patterns = [interpret.selector_of(catalogue, text, lab) for text in options.only]

        def keep(cell: CellId) -> bool:
            return any(selecting.matches(pattern, cell) for pattern in patterns)

        made = made.only(keep)
        if not made.cells:
            raise UsageError(f"--only {' '.join(patterns)} leaves no cell", "See: rehearse plan --details")
    if asked.named:
        size = in_numbers(made, language(ENGLISH))
        named = " ".join(words)
        say(f"{named}: {size}" if named == selectors[0] else f"{named} selects '{selectors[0]}': {size}")
    if fleet is not None:
        made = replace(made, fleet=fleet)
        say(fleets.in_words(fleet, made, catalogue))
    if made.closes and not probes:
        say(f"not looked at (--no-exposures): {len(made.closes)} holes that must be closed")
    return remote_libvirt.within_reach(options, catalogue, made)


def _inside(
    catalogue: Catalogue, options: argparse.Namespace, folder: Path, found: dict[str, Path], means: str
) -> list[str]:
    argv = [sys.executable, "-m", "harness.system.entry", "harness.conduct.namespace_entry", str(folder)]
    argv += [f"--image={name}={path}" for name, path in found.items()]
    argv.append(f"--sources={as_json(catalogue.sources)}")
    if means:
        argv.append(f"--means={means}")
    if options.workers:
        argv.append(f"--workers={options.workers}")
    argv += [f"--{name}" for name, asked in anew(options).items() if asked]
    argv.append(f"--evidence={options.evidence}")
    argv += [f"--accepted={selector}" for selector in getattr(options, "accepted", ())]
    argv += [f"--{name}" for name in ("quiet", "verbose") if getattr(options, name)]
    return argv


def anew(options: argparse.Namespace) -> dict[str, bool]:
    """What a run that goes on measures again, besides what is missing."""
    return {"failed-only": options.failed_only, "fresh": getattr(options, "fresh", False)}


def around(made: Plan) -> dict[str, str]:
    """What our own Python finds in the lab; Vagrant, which it starts, is the user's."""
    mine = environment.ours()
    return {**environment.tools(), **mine} if made.lab is Tier.VAGRANT else mine
