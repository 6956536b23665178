"""A change as git tells it: a unified diff of an smb.conf, and the file on one side of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.errors import UsageError

_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
LARGEST = 2**24
"""Bytes of a diff."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """One place that differs: its first line (from 0) and its lines, before and after the change."""

    at: tuple[int, int]
    lines: tuple[tuple[bytes, ...], tuple[bytes, ...]]


def both_sides(patch: bytes, file: bytes, name: str) -> tuple[bytes, bytes]:
    """The file before and after a change; ``file`` is what it is on either side of it.

    Raises UsageError for what is no unified diff of one file, and for one that does not fit the file.
    """
    found = hunks(patch)
    lines = file.splitlines(keepends=True)
    for mine in (0, 1):
        other = _turned(lines, found, mine)
        if other is not None:
            sides = (file, b"".join(other))
            return sides if mine == 0 else (sides[1], sides[0])
    raise UsageError(
        f"the diff fits {name} neither as it is before the change nor as it is after it",
        "name the very file that the diff is of: --smb-conf FILE",
    )


def hunks(patch: bytes) -> tuple[Hunk, ...]:
    """The places that differ. Raises UsageError for what is no unified diff of one file."""
    if len(patch) > LARGEST:
        raise UsageError(f"a diff of more than {LARGEST} bytes is not read")
    lines = patch.splitlines(keepends=True)
    if sum(line.startswith(b"+++ ") for line in _heads(lines)) > 1:
        raise UsageError("the diff is of several files", "give that of smb.conf alone: git diff smb.conf")
    found = []
    place = 0
    while place < len(lines):
        head = _HUNK.match(lines[place])
        place += 1
        if head:
            place, hunk = _hunk(lines, place, head)
            found.append(hunk)
    if not found:
        raise UsageError("there is no change in what was given as a diff", "as in: git diff smb.conf")
    return tuple(found)


def _heads(lines: Sequence[bytes]) -> Iterator[bytes]:
    """The lines outside of hunks."""
    left = [0, 0]
    for line in lines:
        head = _HUNK.match(line)
        if head:
            left = [int(head[2] or 1), int(head[4] or 1)]
        elif any(number > 0 for number in left):
            left[0] -= line[:1] in b" -"
            left[1] -= line[:1] in b" +"
        else:
            yield line


def _hunk(lines: Sequence[bytes], place: int, head: re.Match[bytes]) -> tuple[int, Hunk]:
    wanted = (int(head[2] or 1), int(head[4] or 1))
    sides: tuple[list[bytes], list[bytes]] = ([], [])
    while place < len(lines) and (len(sides[0]) < wanted[0] or len(sides[1]) < wanted[1]):
        mark, line = lines[place][:1], lines[place][1:]
        place += 1
        if mark == b"\\":
            continue
        if mark not in (b" ", b"-", b"+", b"\n", b"\r"):
            raise UsageError("the diff is cut off, or no unified one", "as in: git diff smb.conf")
        if mark != b"+":
            sides[0].append(line)
        if mark != b"-":
            sides[1].append(line)
    if (len(sides[0]), len(sides[1])) != wanted:
        raise UsageError("the diff is cut off, or no unified one", "as in: git diff smb.conf")
    # Of no lines at all the number is that of the line before.
    starts = [int(head[side]) - bool(many) for side, many in ((1, wanted[0]), (3, wanted[1]))]
    return place, Hunk((starts[0], starts[1]), (tuple(sides[0]), tuple(sides[1])))


def _turned(lines: Sequence[bytes], found: Sequence[Hunk], mine: int) -> list[bytes] | None:
    """The other side of a file that is on side ``mine``; None where it is not."""
    made, done = list[bytes](), 0
    for hunk in found:
        at, here = hunk.at[mine], hunk.lines[mine]
        if at < done or [_bare(one) for one in lines[at : at + len(here)]] != [_bare(one) for one in here]:
            return None
        made += [*lines[done:at], *hunk.lines[1 - mine]]
        done = at + len(here)
    return [*made, *lines[done:]]


def _bare(line: bytes) -> bytes:
    return line.rstrip(b"\r\n")
