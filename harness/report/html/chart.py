"""Both sides of every change of one server as a picture: holes closed against who loses something."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.report.explain import grouped
from harness.report.html.view import Change

WIDTH, HEIGHT = 460, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 20, 22, 44
_MOST_TICKS = 8


@dataclass(frozen=True, slots=True)
class Spot:
    """Changes that have the same numbers, at one place of the picture."""

    x: float
    y: float
    label: str
    kind: str
    """``front``, ``beaten``, ``outage`` or ``none`` (the server as it is): decides the shape."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A number on an axis."""

    at: float
    value: int


@dataclass(frozen=True, slots=True)
class Chart:
    """The picture of one server."""

    server: str
    changes: tuple[Change, ...]
    spots: tuple[Spot, ...]
    front: str
    """Points of the line, as SVG writes them; empty where there is none."""
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]

    width, height = WIDTH, HEIGHT
    left, right, top, bottom = _LEFT, WIDTH - _RIGHT, _TOP, HEIGHT - _BOTTOM


def charts(changes: Iterable[Change]) -> tuple[Chart, ...]:
    """One for each server."""
    return tuple(_chart(server, its) for server, its in grouped(changes, lambda one: one.part.server).items())


def _chart(server: str, its: Sequence[Change]) -> Chart:
    measured = [one for one in its if one.part.judged]
    most_lost = max((_lost(one) for one in measured), default=0)
    most_closed = max((len(one.part.closed) for one in measured), default=0)
    across, up = _scale(most_lost), _scale(most_closed)

    def x(value: float) -> float:
        return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * value / across[-1], 1)

    def y(value: float) -> float:
        return round(HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * value / up[-1], 1)

    spots = []
    for (lost, closed), those in grouped(measured, lambda one: (_lost(one), len(one.part.closed))).items():
        kinds = [_kind(one) for one in those]
        kind = next(kind for kind in ("front", "none", "beaten", "outage") if kind in kinds)
        spots.append(Spot(x(lost), y(closed), _label(one.number for one in those), kind))
    line = _staircase([(_lost(one), len(one.part.closed)) for one in measured if one.part.on_front])
    return Chart(
        server,
        tuple(its),
        tuple(spots),
        " ".join(f"{x(lost)},{y(closed)}" for lost, closed in line),
        tuple(Tick(x(value), value) for value in across),
        tuple(Tick(y(value), value) for value in up),
    )


def _lost(one: Change) -> int:
    machines = one.part.machines
    return machines.lost if machines else len(one.part.clients_lost)


def _kind(one: Change) -> str:
    if one.number == 0:
        return "none"
    if one.part.on_front:
        return "front"
    return "beaten" if one.candidate else "outage"


def _label(numbers: Iterable[int]) -> str:
    """``1-3, 7``: numbers that follow each other together; no change is 0."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    texts = [f"{run[0]}–{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs]
    return ", ".join(texts)


def _scale(most: int) -> list[int]:
    """Whole numbers from 0 to at least ``most``, and no more than can be read."""
    step = next(step for step in _steps() if most <= step * _MOST_TICKS)
    return [step * at for at in range(max(1, -(-most // step)) + 1)]


def _steps() -> Iterable[int]:
    size = 1
    while True:
        yield from (size, 2 * size, 5 * size)
        size *= 10


def _staircase(points: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The corners of the line through what no other beats by numbers, the cheapest first."""
    corners: list[tuple[int, int]] = []
    highest = -1
    for lost, closed in sorted(points, key=lambda point: (point[0], -point[1])):
        if closed > highest:
            if corners:
                corners.append((lost, highest))
            corners.append((lost, closed))
            highest = closed
    return corners
