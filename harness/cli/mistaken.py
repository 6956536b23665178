"""Plausible mistakes on the command line, and what is answered instead of a list of everything there is."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

from harness.errors import UsageError
from harness.system.registry import nearest

START = """Rehearse an SMB hardening change on real servers before making it.

  rehearse doctor                              what is missing on this machine
  rehearse list mitigations                    what can be changed (also: servers, clients, scenarios)
  rehearse plan smb3-only samba-4.22-smb1      what would be measured, and how long that takes
  rehearse run smb3-only samba-4.22-smb1       measure it: who stops connecting, what is closed
  rehearse report --details                    the newest run again, with everything it rests on

rehearse run alone rehearses the article of 2017. All verbs: rehearse help. One of them: rehearse help run."""
"""What ``rehearse`` alone shows."""

_OWN = ("-h", "--help", "--version")
"""Options that need no verb."""
_SAME = (
    {"add", "import", "load", "read"},
    {"list", "ls", "show"},
    {"delete", "destroy", "remove", "rm"},
    {"check", "verify"},
)
"""Words for the same deed, of which a verb takes one."""
_SELECTS = ("--mitigation", "--change", "--client", "--check", "--scenario")
_MEANT = {
    name: answer
    for names, answer in {
        ("--xml",): "write: --junit FILE",
        ("--markdown", "--md"): "write: --format ticket, or --format summary",
        ("--out",): "write: --output FILE",
        ("--dry-run", "-n"): "what would be measured: rehearse plan",
        ("--vagrant",): "write: --lab vagrant",
        ("--local",): "write: --lab local",
        ("-v",): "write: --verbose",
        ("-q", "--silent"): "write: --quiet",
        ("-j", "--jobs", "--parallel"): "write: --workers N",
        (
            "--colour",
            "--color",
            "--no-color",
        ): "NO_COLOR=1 in the environment switches colours off",
        ("--version",): "write: rehearse --version",
        ("--yes", "-y"): "nothing is asked: leave it off",
    }.items()
    for name in names
}
"""Option -> what does that here."""


def settled(argv: Sequence[str], verbs: Mapping[str, argparse.ArgumentParser]) -> list[str]:
    """The words as argparse takes them: ``help run`` is ``run --help``. Raises UsageError for no verb."""
    words = list(argv)
    if words[:1] == ["version"]:
        return ["--version"]
    if words[:1] == ["help"]:
        words = [*(word for word in words[1:] if word != "help"), "--help"]
    elif words[1:] == ["help"] and words[0] in verbs:
        words = [words[0], "--help"]
    first = next((word for word in words if not word.startswith("-")), None)
    if first is None and words[0] in (*_OWN, "--"):
        return words
    if first is None:
        having = [verb for verb, parser in verbs.items() if words[0] in parser._option_string_actions]
        whose = f"these have it: {', '.join(having)}; " if having else ""
        raise UsageError(f"{words[0]} needs a verb before it", f"{whose}See: rehearse help")
    if words[0].startswith("-") and words[0] not in _OWN:
        raise UsageError(
            f"{words[0]} stands before the verb", "write: rehearse VERB OPTIONS; See: rehearse help"
        )
    if first not in verbs:
        raise UsageError(f"no verb is called {first!r}", _verb_for(first, words, verbs))
    return words


def _verb_for(first: str, words: Sequence[str], verbs: Mapping[str, argparse.ArgumentParser]) -> str:
    """What may be done with a word that is no verb."""
    from harness.catalogue import made_of
    from harness.catalogue.sources import added_images
    from harness.planning import interpret, selecting
    from harness.projects import contents

    catalogue = made_of(*added_images(), *contents.here())
    if len(selecting.parted(first, ":")) > 1 or interpret.is_known(catalogue, first):
        shown = " ".join(
            f"'{word}'" if set(word) & set("*?[ ()") else word for word in words if word != "--help"
        )
        one = shown if len(words) == 1 else first
        return f"did you mean: rehearse run {shown}, or: rehearse show {one}?"
    near = nearest(first, [*verbs, "help", "version"])
    meant = f"did you mean {' or '.join(near)}? " if near else interpret.near(catalogue, first)
    return f"{meant}See: rehearse help"


def unknown(
    verb: str, extra: Sequence[str], options: argparse.Namespace, verbs: Mapping[str, argparse.ArgumentParser]
) -> UsageError:
    """The answer to words that a verb does not take: the option that was meant, or whose it is."""
    name, _, value = extra[0].partition("=")
    help_of = f"See: rehearse help {verb}"
    if not name.startswith("-"):
        return UsageError(f"{verb} takes no further word, and there is {' '.join(extra)!r}", help_of)
    what = f"{verb} has no option {name}"
    if name in _SELECTS:
        named = value or " ".join(extra[1:2])
        already = [word for word in getattr(options, "what", None) or () if word != named]
        command = " ".join(("rehearse", verb if verb in ("run", "plan") else "run", *already, named))
        return UsageError(what, f"names select by themselves: {command}".rstrip())
    own, near = verbs[verb]._option_string_actions, ""
    if alike := [one for one in nearest(name, own) if one.startswith("--") and len(name) > 2]:
        near = f"did you mean {alike[0]}? "
    if name in _MEANT and (verb == "run" or "rehearse plan" not in _MEANT[name]):
        return UsageError(what, f"{_MEANT[name]}; {help_of}")
    others = [other for other, parser in verbs.items() if name in parser._option_string_actions]
    if others:
        return UsageError(what, f"these have it: {', '.join(others)}; {help_of}")
    return UsageError(what, f"{near}{help_of}")


def not_among(word: object, choices: Sequence[str], prog: str) -> UsageError:
    """The answer to a word that is none of a few."""
    same = [choice for those in _SAME if word in those for choice in choices if choice in those]
    near = same or nearest(str(word), choices)
    meant = f"did you mean {near[0]}? " if near else ""
    return UsageError(f"{word!r} is none of {', '.join(choices)}", f"{meant}See: {prog} --help")
