"""A persona's file as a table: read, and laid over the persona that it is based on."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness import resources
from harness.errors import UsageError

Table = dict[str, object]

BUILT_IN = resources.path("clients", "personas")
_OF_ITS_OWN = ("name", "title", "fidelity")
"""What every file must say itself: a variant of a recorded client was not recorded."""
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
    below = beside(path, f"{name}.toml", "based_on", "it names a persona")
    base = _with_shared_doubts(below, toml(below))
    if base.get("based_on"):
        raise UsageError(f"{path}: based_on: {name} is a variant itself", f"name {base['based_on']}")
    both = [*_list(own.get(_ADDED)), *_recorded(str(name), base), *_list(base.get(_ADDED))]
    # What was found out about the base, real clients of its kind included, says nothing of the variant.
    known = {key: value for key, value in base.items() if key not in ("counterpart", "captures")}
    return {**_over(known, own), _ADDED: both}


def _recorded(name: str, base: Table) -> Iterator[Table]:
    """The captures of the base, as evidence for what a variant has from it."""
    for one in _list(base.get("captures")):
        if isinstance(one, dict) and {"file", "sha256", "source", "what"} <= one.keys():
            source = f"capture {one['file']}, sha256 {one['sha256']}, {one['source']}"
            yield {"what": f"as {name}: {one['what']}", "source": source}


def changes(path: Path) -> tuple[str, ...]:
    """What a variant plays otherwise than its base, as "policy.guest = True"; nothing where it is none."""
    own = toml(path)
    return tuple(_flat(own, "")) if own.get("based_on") else ()


def toml(path: Path) -> Table:
    """Raises UsageError for a file that cannot be read, or is no TOML."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as reason:
        raise UsageError(f"{path}: {reason}", "a persona is a TOML file") from reason


def _with_shared_doubts(path: Path, table: Table) -> Table:
    like = table.get("doubts_like")
    if not like:
        return table
    file = beside(path, f"doubts/{like}.toml", "doubts_like", "it names a file of doubts in doubts/")
    return {**table, "doubts": [*_list(table.get("doubts")), *_list(toml(file).get("doubts"))]}


def words(path: Path, like: str) -> Mapping[str, str]:
    """What the users of many clients read: a file in the folder ``sees``. Raises UsageError for none."""
    if not like:
        return {}
    file = beside(path, f"sees/{like}.toml", "sees_like", "it names a file of words in sees/")
    return {key: str(text) for key, text in toml(file).items()}


def beside(path: Path, name: str, field: str, advice: str) -> Path:
    """A file in the persona's folder, or else of the built-in ones."""
    mine = path.parent / name
    found = next((file for file in (mine, BUILT_IN / name) if file.is_file()), None)
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


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
