"""Parameters of smb.conf(5) and its relatives as an administrator sets them and takes them out again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.servers.base import Conf
from harness.servers.platform import Doing, Say


def conf_lines(before: Conf, after: Conf, file: str, say: Say) -> Iterable[Doing]:
    """The parameters that are set, section by section; and what is undone, parameter by parameter."""
    sections = [
        ("in_global", "", before.globals, after.globals),
        ("in_shares", "", before.share, after.share),
    ]
    sections += [
        ("in_section", name, before.sections.get(name, {}), new) for name, new in after.sections.items()
    ]
    for key, section, old, new in sections:
        lines = [f"{name} = {value}" for name, value in new.items() if old.get(name) != value]
        if lines:
            where = {"file": file, "section": section} if section else {"file": file}
            undo = say(f"settings.undo_{key}", **where, undo=_undone(old, new, say))
            yield Doing(say(f"settings.{key}", **where), tuple(lines), (), undo, "ini")


def _undone(old: Mapping[str, str], new: Mapping[str, str], say: Say) -> str:
    """As the lab had it before: on another server there may be another value."""
    changed = [name for name, value in new.items() if old.get(name) != value]
    gone = [name for name in changed if name not in old]
    told = [say("settings.set_back", name=name, value=old[name]) for name in changed if name in old]
    if gone:
        told.insert(0, say("settings.take_out", names=say("list.items").join(gone)))
    return say("list.clauses").join(told)
