"""A persona's file as a table: read, and laid over the persona that it is based on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from harness.errors import UsageError
from harness.system import files, resources

Table = dict[str, object]

BUILT_IN = resources.path("clients", "personas")
_OF_ITS_OWN = ("name", "title", "fidelity")
"""What every file must say itself: a variant of a recorded client was not recorded."""
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")
_HINT = "a persona is a TOML file"
_ADDED = "evidence"
"""What a variant says counts beside what its base says."""
_ABOUT = frozenset(
    {*_OF_ITS_OWN, _ADDED, "based_on", "counterpart", "sees", "sees_like", "doubts", "doubts_like"}
)


def whole(path: Path) -> Table:
    """The table of a persona, with all that the persona says on which it is based.

    Raises UsageError for a file that is no TOML, or that is based on none or on a variant.
    """
    own = _with_shared_doubts(path, toml(path))
    name = own.get("based_on")
    if not name:
        return own
    missing = [field for field in _OF_ITS_OWN if field not in own]
    if missing:
        raise UsageError(f"{path}: {missing[0]}: a variant says this itself")
    below = beside(path, "", name, "based_on", "it names a persona")
    base = _with_shared_doubts(below, toml(below))
    if base.get("based_on"):
        raise UsageError(f"{path}: based_on: {name} is a variant itself", f"name {base['based_on']}")
    both = [*_list(path, own, _ADDED), *_recorded(below, str(name), base), *_list(below, base, _ADDED)]
    # What was found out about the base, real clients of its kind included, says nothing of the variant.
    known = {key: value for key, value in base.items() if key not in ("counterpart", "captures")}
    return {**_over(known, own), _ADDED: both}


def _recorded(path: Path, name: str, base: Table) -> Iterator[Table]:
    """The captures of the base, as evidence for what a variant has from it."""
    for one in _list(path, base, "captures"):
        if isinstance(one, dict) and {"file", "sha256", "source", "what"} <= one.keys():
            source = f"capture {one['file']}, sha256 {one['sha256']}, {one['source']}"
            yield {"what": f"as {name}: {one['what']}", "source": source}


def changes(path: Path) -> tuple[str, ...]:
    """What a variant plays otherwise than its base, as "policy.guest = True"; nothing where it is none."""
    own = toml(path)
    return tuple(_flat(own, "")) if own.get("based_on") else ()


def toml(path: Path) -> Table:
    """Raises UsageError for a file that cannot be read, or is no TOML."""
    return _parsed(files.text(path, _HINT), path)


@lru_cache(maxsize=256)
def _parsed(text: str, path: Path) -> Table:
    """What many personas are based on or share is parsed once, and nobody changes it."""
    return files.table_of(text, path, _HINT)


def _with_shared_doubts(path: Path, table: Table) -> Table:
    like = table.get("doubts_like")
    if not like:
        return table
    file = beside(path, "doubts", like, "doubts_like", "it names a file of doubts in doubts/")
    return {**table, "doubts": [*_list(path, table, "doubts"), *_list(file, toml(file), "doubts")]}


def words(path: Path, like: str) -> Mapping[str, str]:
    """What the users of many clients read: a file in the folder ``sees``. Raises UsageError for none."""
    if not like:
        return {}
    file = beside(path, "sees", like, "sees_like", "it names a file of words in sees/")
    said: dict[str, str] = {}
    for key, text in toml(file).items():
        if not isinstance(text, str):
            raise UsageError(f"{file}: {key}: expected text", f"it has {files.brief(text)}")
        said[key] = text
    return said


def beside(path: Path, folder: str, name: object, field: str, advice: str) -> Path:
    """The file of that name in a folder beside the persona, or else of the built-in ones.

    Raises UsageError where there is none, and for what is no plain name: no path leads elsewhere.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UsageError(f"{path}: {field}: {files.brief(name)} is no name", advice)
    mine = path.parent / folder / f"{name}.toml"
    found = next((file for file in (mine, BUILT_IN / folder / f"{name}.toml") if file.is_file()), None)
    if found is None:
        raise UsageError(f"{path}: {field}: {mine} does not exist", advice)
    return found


def _over(base: Table, own: Table) -> Table:
    """Tables are laid over each other; anything else, lists too, is the variant's where it has it."""
    made = {**base, **own}
    for key, value in own.items():
        below = base.get(key)
        if isinstance(value, dict) and isinstance(below, dict):
            made[key] = _over(below, value)
    return made


def _flat(table: Table, above: str) -> Iterator[str]:
    for key, value in table.items():
        if not above and key in _ABOUT:
            continue
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key} = {value}"


def _list(path: Path, table: Table, field: str) -> list[object]:
    value = table.get(field, [])
    if not isinstance(value, list):
        raise UsageError(f"{path}: {field}: expected a list", f"it has {files.brief(value)}")
    return value
