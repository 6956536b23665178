"""What a worker does with a group of cells: a run folder of its own, its lab, and what came out as text."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import suppress
from pathlib import Path

from harness.catalogue import Catalogue
from harness.catalogue.sources import FORMS, Kind, as_json
from harness.cluster import wire
from harness.cluster.lab_process import Changed, LabProcess
from harness.errors import LabFault, RehearsalError
from harness.labs import images
from harness.planning.plan import Plan
from harness.record import folders, journal, shards, took
from harness.servers.base import HOST
from harness.system import own_code
from harness.system.deadline import pace

PATIENCE = 20.0
"""A group may take so many times as many seconds as it weighs (``shards.weight``), and ``MORE``, where the
machine is not slow; what hangs in a lab has limits of its own, which come first."""
MORE = 300.0


class Bench:
    """Measures groups one after the other. Its lab stays while groups rest on the same files."""

    def __init__(self, home: Path, catalogue: Catalogue, workers: int | None) -> None:
        """``home``: an empty folder. ``catalogue``: of this machine. ``workers``: attempts at a time."""
        self.home = home
        self._catalogue = catalogue
        self._workers = workers
        self._lab: LabProcess | None = None
        self._images: dict[str, Path] = {}
        self._dropped = False

    async def outcome(self, order: wire.Order, worker: str) -> wire.Outcome:
        """Measure a group. What goes wrong with it is its outcome's fault.

        Must be called in the main thread. Raises Dropped when ``drop`` was called meanwhile, and Changed when
        this worker can measure nothing any more.
        """
        self._dropped = False
        folder = self.home / "run"
        try:
            return await self._measured(order, folder, worker)
        except Changed:
            raise
        except RehearsalError as error:
            if self._dropped:
                raise Dropped from error
            return wire.Outcome(order.group, worker, fault=f"{error} (on {worker})")
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _measured(self, order: wire.Order, folder: Path, worker: str) -> wire.Outcome:
        kept = self.home / "kept"
        catalogue, sources = await asyncio.to_thread(self._set_out, order, folder, kept)
        here = await asyncio.to_thread(self._images_of, catalogue, order.plan)
        expected = sum(shards.weight(catalogue, order.plan, job) for job in order.plan.jobs)
        seconds = (PATIENCE * expected + MORE) * pace()
        for again in (False, True):
            lab = self._lab_with(sources)
            try:
                fault = await asyncio.to_thread(
                    lab.measure, folder, order.number, here, order.evidence, seconds
                )
                break
            except Changed:
                raise
            except LabFault:
                # Memory may have run out, or somebody ended it. It costs the group nothing but time, once.
                self.close()
                if again or self._dropped:
                    raise
                for name in ("journal.jsonl", took.FILE, "lab", "evidence"):
                    path = folder / name
                    shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        return await asyncio.to_thread(_packed, order, folder, worker, fault)

    def _set_out(self, order: wire.Order, folder: Path, kept: Path) -> tuple[Catalogue, str]:
        """The run folder of a group, with its plan; what there is for it, and the files of that as JSON."""
        shutil.rmtree(folder, ignore_errors=True)
        wire.check(order.kept, tuple(form.folder for form in FORMS.values() if form.kept))
        there = {f"{path.parent.name}/{path.name}": path.read_bytes() for path in folders.copies(kept)}
        try:
            with journal.create(folder, order.plan):
                pass
            # They stay where they are while the lab does that has read them.
            if there != order.kept:
                self.close()
                shutil.rmtree(kept, ignore_errors=True)
                wire.write(kept, order.kept)
        except OSError as error:
            raise LabFault(f"{folder}: {error.strerror or error}") from error
        for name, data in order.kept.items():
            if name.startswith(FORMS[Kind.CODE].folder):
                # Whoever has a certificate of the cluster can run programs here anyway.
                own_code.remember(data)
        found = folders.of_run(kept)
        catalogue = self._catalogue.adding(*found)
        return catalogue, as_json(catalogue.sources)

    def _images_of(self, catalogue: Catalogue, plan: Plan) -> dict[str, Path]:
        """The images of a plan, each looked at once while the worker lives."""
        wanted = [name for name in plan.images(catalogue) if name != HOST]
        new = [name for name in wanted if name not in self._images]
        if new:
            self._images |= images.ensure(catalogue.images, new, lambda *_: None)
        return {name: self._images[name] for name in wanted}

    def _lab_with(self, sources: str) -> LabProcess:
        lab = self._lab
        if lab is None or not lab.alive or lab.sources != sources:
            self.close()
            self._lab = lab = LabProcess(self.home, sources, self._workers)
        return lab

    def drop(self) -> None:
        """Nobody wants the group any more that is being measured: its lab is ended at once."""
        self._dropped = True
        if self._lab is not None:
            self._lab.kill()

    def close(self) -> None:
        """End the lab. The next group has a new one."""
        lab, self._lab = self._lab, None
        if lab is not None:
            lab.end()


class Dropped(Exception):
    """What is being measured is not wanted any more."""


def _packed(order: wire.Order, folder: Path, worker: str, fault: str) -> wire.Outcome:
    lines = b""
    try:
        # What went wrong may have done so before there was one.
        with suppress(FileNotFoundError):
            if (folder / "journal.jsonl").stat().st_size > wire.MOST_JOURNAL:
                raise LabFault(f"{order.group}: its journal has more than {wire.MOST_JOURNAL >> 20} MiB")
            lines = (folder / "journal.jsonl").read_bytes()
        found, left = wire.below(folder, "evidence")
    except OSError as error:
        raise LabFault(f"{folder}: {error.strerror or error}") from error
    return wire.Outcome(order.group, worker, fault, lines, found, tuple(left), took.text(folder))
