"""What a cmdlet's output holds: JSON, a list (``Name : value``) or a table, as PowerShell writes it.

Windows PowerShell 5.1 writes UTF-16 with ``>`` and ``Out-File``, PowerShell 7 UTF-8 without a mark
(Microsoft, "about_Character_Encoding").
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from harness.errors import UsageError
from harness.system.files import brief
from harness.windows.outputs import format_list

Value = bool | int | float | str | list[Any]
Record = Mapping[str, Value]
"""One object: its properties by name. What is null, or an object itself, is left out."""

LARGEST: Final = 16 * 1024 * 1024
"""Bytes of a file: a server with 10,000 shares writes about 10 MB of JSON."""
MOST: Final = 10_000
"""Objects of a file."""
_PROMPT = re.compile(r"^(?:\[[^\]\n]*\]: )?PS(?: [^>\n]*)?>[^\n]*$", re.MULTILINE)
_ERROR = re.compile(r"^\s*\+?\s*(?:CategoryInfo|FullyQualifiedErrorId)\s*:", re.MULTILINE)
"""Names that PowerShell translates into no language (5.1)."""
_ERROR_7 = re.compile(r"^(?:\x1b\[[\d;]*m)*(?:Get-Smb\w+|ConvertTo-Json): ", re.MULTILINE)
_MARKS: Final = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
_RULE = re.compile(r"^-+(?: +-+)*\s*$")


def records(data: bytes, file: str, hint: str) -> list[Record]:
    """The objects of a file. Raises UsageError, naming it and what it is instead, where there is none."""
    text = _PROMPT.sub("", _decoded(data, file, hint)).strip("\ufeff\0 \t\r\n")
    if not text:
        raise UsageError(f"{file}: is empty: the command told nothing", hint)
    if text[0] in "{[" and (found := _of_json(text, file, hint)) is not None:
        return _counted(found, file, hint)
    if wrong := _ERROR.search(text) or _ERROR_7.search(text):
        said = next((line.strip() for line in text.splitlines() if line.strip()), "")
        first = said if wrong.re is _ERROR else text[wrong.start() :].splitlines()[0]
        raise UsageError(f"{file}: is an error message of PowerShell: {brief(first)}", hint)
    if re.search(r"^\s*\[global\]", text, re.MULTILINE | re.IGNORECASE):
        raise UsageError(f"{file}: is a smb.conf of a Samba", "name it with --smb-conf")
    if text[0] == "<" or text.startswith(("#TYPE ", '"')):
        raise UsageError(f"{file}: is neither JSON nor a list: {brief(text.splitlines()[0])}", hint)
    return _counted([*_of_table(text)] or _of_list(text), file, hint)


def _decoded(data: bytes, file: str, hint: str) -> str:
    codec = next((codec for mark, codec in _MARKS.items() if data.startswith(mark)), "")
    if not codec:
        # UTF-16 without a mark, as some editors save it: every second byte of ASCII is zero.
        codec = {b"\0": "utf-16-le"}.get(data[1:2], {b"\0": "utf-16-be"}.get(data[:1], "utf-8"))
    try:
        text = data.decode(codec)
    except UnicodeDecodeError:
        if b"\0" in data:
            raise UsageError(f"{file}: is no text", hint) from None
        # The ANSI code page of an older redirection: names may come out wrong, settings are ASCII.
        text = data.decode("cp1252", "replace")
    if "\0" in text:
        raise UsageError(f"{file}: is no text", hint)
    return text


def _of_json(text: str, file: str, hint: str) -> list[Record] | None:
    """The objects of a JSON text; None where it is none from the start, e.g. "[server]: ..."."""
    try:
        found = json.loads(text)
    except RecursionError:
        raise UsageError(f"{file}: is nested too deeply", hint) from None
    except json.JSONDecodeError as error:
        if not re.match(r"[{\[]\s*(?:[\"{\[\]}]|$)", text):
            return None
        at = f"line {error.lineno}, column {error.colno}"
        cut = error.pos >= len(text) - 1 or text[error.pos :].count("\n") == 0
        what = "is cut off, or no JSON" if cut else "is no JSON"
        raise UsageError(f"{file}: {what}: {error.msg}, {at}", hint) from None
    except ValueError as error:
        # A number of thousands of digits.
        raise UsageError(f"{file}: {str(error).partition(';')[0]}", hint) from None
    if isinstance(found, dict) and isinstance(found.get("value"), list) and "Count" in found:
        # Windows PowerShell 5.1 wraps a list so where its type was extended (Update-TypeData of arrays).
        found = found["value"]
    those = found if isinstance(found, list) else [found]
    if strange := next((one for one in those if not isinstance(one, dict)), None):
        raise UsageError(f"{file}: has {brief(strange)} where an object is expected", hint)
    return [dict(_plain(one)) for one in those if isinstance(one, dict)]


def _plain(found: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
    for name, value in found.items():
        # Windows PowerShell 5.1 wraps a list.
        told = value["value"] if isinstance(value, dict) and "value" in value else value
        scalars = told if isinstance(told, list) else [told]
        if all(isinstance(one, bool | int | float | str) for one in scalars):
            yield name, told


def _of_list(text: str) -> list[Record]:
    found: list[Record] = []
    for one in format_list(text):
        last = found[-1] if found else {}
        if len(one) == 1 and last and not one.keys() & last.keys():
            # Pasted with an empty line behind each: one object all the same.
            found[-1] = {**last, **one}
        else:
            found.append(dict(one))
    return found


def _of_table(text: str) -> Iterator[Record]:
    """The rows below each line of hyphens; a column is as wide as its hyphens and what follows them."""
    lines = text.splitlines()
    for at, line in enumerate(lines):
        if at and _RULE.match(line):
            starts = [match.start() for match in re.finditer(r"-+", line)]
            ends = [*starts[1:], None]
            cuts = [slice(*both) for both in zip(starts, ends, strict=True)]
            names = [lines[at - 1][cut].strip() for cut in cuts]
            for row in lines[at + 1 :]:
                if not row.strip():
                    break
                yield {name: row[cut].strip() for name, cut in zip(names, cuts, strict=True) if name}


def _counted(found: list[Record], file: str, hint: str) -> list[Record]:
    if not any(found):
        raise UsageError(f"{file}: has no property in it (Name : value)", hint)
    if len(found) > MOST:
        raise UsageError(f"{file}: has {len(found)} objects: at most {MOST} are read", hint)
    return found
