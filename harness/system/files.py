"""Files that somebody names, as they are read: scenarios, personas, known holes, run folders.

Only regular files are read, and only so much of them: a pipe may never begin, a device never end, and a huge
file would fill the memory. Every mistake is one line with the file's name.
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from harness.errors import UsageError

if TYPE_CHECKING:
    # Verbs that read no such file do without it.
    from pydantic import ValidationError

MOST: Final = 4 * 1024 * 1024
"""Bytes of a file that people write; the largest of ours has 40 KB."""
DEEPEST: Final = 20
"""Tables and lists in each other; ours have four."""
_AT_ONCE: Final = 2**20
_SHOWN: Final = 80
"""Characters of a wrong value in a message."""
_KINDS: Final = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
    stat.S_IFSOCK: "a socket",
}


def read(path: Path, hint: str = "", most: int = MOST) -> bytes:
    """The bytes of a regular file. Raises UsageError for anything else, and for more than ``most`` bytes."""
    try:
        with _opened(path, hint) as file:
            size = os.fstat(file.fileno()).st_size
            # Python makes room for as much as is asked for, and most files are small. Of one that is too
            # large nothing is read.
            if size > most:
                raise _too_large(path, most, hint)
            data = file.read(size + 1)
            # It may have grown, and what the kernel makes as it is read has no size.
            while len(data) <= most and (more := file.read(_AT_ONCE)):
                data += more
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}", hint) from error
    if len(data) > most:
        raise _too_large(path, most, hint)
    return data


def lines(path: Path, longest: int, most: int) -> Iterator[bytes]:
    """The whole lines of a regular file, without their ends; none where there is no file.

    What stands behind the last line end is left out. Raises UsageError as ``read``, and for a line of more
    than ``longest`` bytes.
    """
    left = most
    try:
        with _opened(path, "") as file:
            while (line := file.readline(longest + 1)).endswith(b"\n"):
                left -= len(line)
                if left < 0:
                    raise _too_large(path, most)
                yield line[:-1]
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(line) > longest:
        raise UsageError(f"{path}: has a line of more than {longest // 2**20} MiB, the limit for such a file")


def _too_large(path: Path, most: int, hint: str = "") -> UsageError:
    return UsageError(f"{path}: is larger than {most // 2**20} MiB, the limit for such a file", hint)


def _opened(path: Path, hint: str) -> BinaryIO:
    check(path, hint)
    # Should it have become a pipe meanwhile: to open that does not wait for who writes.
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC), "rb")


def check(path: Path, hint: str = "") -> None:
    """Raises UsageError for what is there and is no regular file, OSError where it cannot be told."""
    kind = stat.S_IFMT(path.stat().st_mode)
    if kind != stat.S_IFREG:
        raise UsageError(f"{path}: is {_KINDS.get(kind, 'something else')}, not a file", hint)


def text(path: Path, hint: str = "", most: int = MOST) -> str:
    """A file of UTF-8. Raises UsageError as ``read``, and for bytes that are none."""
    try:
        return read(path, hint, most).decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: cannot be read: it is no UTF-8 at byte {error.start}", hint) from error


def table(path: Path, hint: str = "") -> dict[str, object]:
    """A TOML file. Raises UsageError as ``text``, and where it is no TOML or nested without end."""
    return table_of(text(path, hint), path, hint)


def table_of(toml: str, path: Path, hint: str = "") -> dict[str, object]:
    """The text of a TOML file as a table. Raises UsageError as ``table``, which names ``path``."""
    try:
        found = tomllib.loads(toml)
    except RecursionError as error:
        raise UsageError(f"{path}: is nested too deeply", hint) from error
    except ValueError as error:
        # Of numbers with thousands of digits Python says more than concerns here.
        said = str(error).partition(";")[0]
        raise UsageError(f"{path}: {said}", hint) from error
    # Dotted names (a.a.a = 1) get past tomllib's own limit; who looks into them would run out of stack.
    level: list[dict[str, object] | list[object]] = [found]
    for _ in range(DEEPEST):
        inner = [one for outer in level for one in (outer.values() if isinstance(outer, dict) else outer)]
        level = [one for one in inner if isinstance(one, dict | list)]
    if level:
        raise UsageError(f"{path}: is nested more than {DEEPEST} deep", hint)
    return found


def brief(value: object) -> str:
    """A wrong value as it is shown in a message: on one line, cut, whatever its own ``repr`` does."""
    try:
        shown = repr(value)
    except Exception:
        # A number of 20,000 digits has none, what is nested deeply neither.
        return f"a {type(value).__name__} that cannot be shown"
    return shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 1]}…"


def first_mistake(error: ValidationError, whole: str = "") -> str:
    """The first of the mistakes in a document: its place, and what was expected.

    ``whole``: what stands for the place of a mistake that concerns all of it.
    """
    one = error.errors(include_url=False, include_context=False, include_input=False)[0]
    words = (str(word) for word in one["loc"])
    # A name in somebody's file may have line ends.
    place = ".".join(word if word.isprintable() else brief(word) for word in words) or whole
    return f"{place}: {one['msg']}" if place else one["msg"]


def why(error: BaseException) -> str:
    """What an exception says, on one line, with its kind: ``NameError: name 'x' is not defined``."""
    try:
        said = " ".join(str(error).split())
    except Exception:
        # Somebody's own exception may do anything.
        said = ""
    kind = type(error).__name__
    cut = said if len(said) <= 3 * _SHOWN else f"{said[: 3 * _SHOWN - 1]}…"
    return f"{kind}: {cut}" if cut else kind
