"""A change as git tells it: a unified diff of an smb.conf, and the file on one side of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from harness.errors import UsageError

_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_COLOUR = re.compile(rb"\x1b\[[0-9;]*[mK]")
"""What `git diff --color=always` puts around lines: ECMA-48, 8.3.117 and 8.3.41."""
LARGEST = 2**24
"""Bytes of a diff."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """One place that differs: its first line (from 0) and its lines, before and after the change."""

    at: tuple[int, int]
    lines: tuple[tuple[bytes, ...], tuple[bytes, ...]]


def both_sides(patch: bytes, file: bytes, name: str) -> tuple[bytes, bytes]:
    """The file before and after a change; ``file`` is what it is on either side of it.

    Of a diff of several files that part counts which is of a file so called. Raises UsageError for what is no
    unified diff of it, and for one that does not fit the file.
    """
    found = hunks(patch, name)
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


def hunks(patch: bytes, name: str) -> tuple[Hunk, ...]:
    """The places that differ in a file of that name. Raises UsageError for what is no unified diff of one."""
    if len(patch) > LARGEST:
        raise UsageError(f"a diff of more than {LARGEST} bytes is not read")
    lines = _of_one(_COLOUR.sub(b"", patch).splitlines(keepends=True), name)
    found = []
    place = 0
    while place < len(lines):
        head = _HUNK.match(lines[place])
        place += 1
        if head:
            place, hunk = _hunk(lines, place, head)
            found.append(hunk)
    if not found:
        raise UsageError("there is no change in what was given as a unified diff", "as in: git diff smb.conf")
    return tuple(found)


def _of_one(lines: Sequence[bytes], name: str) -> Sequence[bytes]:
    """The part that is of the file so called, where a diff has several."""
    begins = [place for place, line in _heads(lines) if line.startswith(b"+++ ")]
    if len(begins) < 2:
        return lines
    parts = zip(begins, [*begins[1:], len(lines)], strict=True)
    wanted = PurePath(name).name.encode()
    mine = [(first, end) for first, end in parts if wanted in map(_called, lines[first - 1 : first + 1])]
    if len(mine) != 1:
        raise UsageError(
            f"the diff is of several files, and {len(mine)} of them are called {PurePath(name).name}",
            "give that of smb.conf alone: git diff smb.conf",
        )
    return lines[slice(*mine[0])]


def _called(head: bytes) -> bytes:
    """The last part of the name in a line of --- or +++."""
    return head[4:].partition(b"\t")[0].strip().strip(b'"').rpartition(b"/")[2]


def _heads(lines: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines outside of hunks, and their places."""
    left = [0, 0]
    for place, line in enumerate(lines):
        head = _HUNK.match(line)
        if head:
            left = [int(head[2] or 1), int(head[4] or 1)]
        elif any(number > 0 for number in left):
            left[0] -= line[:1] in b" -"
            left[1] -= line[:1] in b" +"
        else:
            yield place, line


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
