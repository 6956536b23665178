"""Parameters of smb.conf(5) and its relatives as an administrator sets them and takes them out again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from harness.servers import lists
from harness.servers.base import Conf
from harness.servers.parameters import said, spoken, without
from harness.servers.platform import Doing, Say


def conf_lines(before: Conf, after: Conf, file: str, say: Say) -> Iterable[Doing]:
    """What is set and taken out, section by section; and what is undone, parameter by parameter.

    What is taken out stands there as a comment: also what a share says itself of a parameter that is set in
    each of them, for smb.conf(5) takes the last of two lines.
    """
    yield from _section("in_global", "", before.globals, after.globals, file, say)
    yield from _section("in_shares", "", before.share, after.share, file, say)
    for name, settings in after.sections.items():
        new = _left(settings, before.share, after.share) if lists.on_disk(after, name) else settings
        yield from _section("in_section", name, before.sections.get(name, {}), new, file, say)


def _left(own: Mapping[str, str], old: Mapping[str, str], new: Mapping[str, str]) -> Mapping[str, str]:
    """What a share goes on saying where each share gets new settings: the same, and what never counted."""
    for name, value in new.items():
        if old.get(name) != value and said(old, name) is None and said(own, name) != spoken(name, value):
            own = without(own, name)
    return own


def _section(
    key: str, section: str, old: Mapping[str, str], new: Mapping[str, str], file: str, say: Say
) -> Iterator[Doing]:
    lines = [f"# {name} = {value}" for name, value in old.items() if name not in new]
    lines += [f"{name} = {value}" for name, value in new.items() if old.get(name) != value]
    if lines:
        where = {"file": file, "section": section} if section else {"file": file}
        undo = say(f"settings.undo_{key}", **where, undo=_undone(old, new, say))
        yield Doing(say(f"settings.{key}", **where), tuple(lines), (), undo, "ini")


def _undone(old: Mapping[str, str], new: Mapping[str, str], say: Say) -> str:
    """As the lab had it before: on another server there may be another value."""
    added = [name for name in new if name not in old]
    back = [name for name in old if new.get(name) != old[name]]
    told = [say("settings.set_back", name=name, value=old[name]) for name in back]
    if added:
        told.insert(0, say("settings.take_out", names=say("list.items").join(added)))
    return say("list.clauses").join(told)
