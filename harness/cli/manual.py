"""The manual page rehearse(1), made of the command line's own words, in the language of man(7)."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

FILES = (
    ("~/.local/state/smb-rehearsal/runs/", "One folder a run, with all that was measured ($XDG_STATE_HOME)."),
    ("~/.cache/smb-rehearsal/", "Images, boxes and whatever else can be made again ($XDG_CACHE_HOME)."),
    (
        "~/.config/smb-rehearsal/guests.local.yaml",
        "What is different about virtual machines on this machine ($XDG_CONFIG_HOME); in a checkout it lies "
        "beside guests.yaml.",
    ),
)


def page(parser: argparse.ArgumentParser, version: str) -> str:
    """The whole page. ``parser`` is the one of the command line (``grammar.build``)."""
    verbs = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    summaries = {action.dest: action.help or "" for action in verbs._choices_actions}
    examples, exits = _epilog(parser)
    lines = [
        f'.TH REHEARSE 1 "" "smb-rehearsal {_escaped(version)}" "User Commands"',
        ".SH NAME",
        "rehearse \\- rehearse an SMB hardening change before you make it",
        ".SH SYNOPSIS",
        *_synopsis(parser),
        ".SH DESCRIPTION",
        _escaped(parser.description or ""),
        ".SH VERBS",
    ]
    for name, verb in verbs.choices.items():
        lines += [f'.SS "rehearse {name}"', _sentence(summaries[name]), ".PP", *_synopsis(verb)]
        lines += _arguments(verb)
        for operation in (
            action for action in verb._actions if isinstance(action, argparse._SubParsersAction)
        ):
            for action in operation._choices_actions:
                lines += _tagged(rf"\fB{_escaped(action.dest)}\fR", action.help or "")
                lines += [".RS", *_arguments(operation.choices[action.dest]), ".RE"]
        lines += [".PP", "Examples:", *_verbatim(_epilog(verb)[0])]
    lines += [".SH EXAMPLES", *_verbatim(examples), ".SH EXIT STATUS", _escaped(" ".join(exits))]
    lines += [".SH FILES"]
    for place, what in FILES:
        lines += _tagged(rf"\fI{_escaped(place)}\fR", what)
    return "\n".join(lines) + "\n"


def _epilog(parser: argparse.ArgumentParser) -> tuple[list[str], list[str]]:
    """The lines of the examples, and those of the exit statuses."""
    before, _, exits = (parser.epilog or "").partition("exit status:")
    return before.removeprefix("examples:\n").rstrip().splitlines(), exits.split("\n")


def _synopsis(parser: argparse.ArgumentParser) -> Iterator[str]:
    words = " ".join(parser.format_usage().removeprefix("usage:").split())
    yield f".B {_escaped(parser.prog)}"
    yield _escaped(words.removeprefix(parser.prog).strip())


def _arguments(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction | argparse._SubParsersAction):
            continue
        if action.help == argparse.SUPPRESS:
            continue
        value = "" if action.nargs == 0 else _value(action)
        names = [rf"\fB{_escaped(name)}\fR{value and ' ' + value}" for name in action.option_strings]
        yield from _tagged(", ".join(names) or value, (action.help or "").replace("%%", "%"))


def _value(action: argparse.Action) -> str:
    word = action.metavar or (
        "{" + ",".join(map(str, action.choices)) + "}" if action.choices else action.dest.upper()
    )
    word = word if isinstance(word, str) else " ".join(word)
    return rf"\fI{_escaped(f'[{word}]' if action.nargs == '?' and action.option_strings else word)}\fR"


def _tagged(tag: str, text: str) -> list[str]:
    return [".TP", tag, _sentence(text)]


def _sentence(text: str) -> str:
    return _escaped(text[:1].upper() + text[1:].rstrip(".") + ".")


def _verbatim(lines: list[str]) -> list[str]:
    return [".PP", ".nf", ".RS", *(_escaped(line.removeprefix("  ")) for line in lines), ".RE", ".fi"]


def _escaped(text: str) -> str:
    """Text that groff shows as it is: man-pages(7), and a dash that can be copied to a command line."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("~", "\\(ti")
    return "\\&" + text if text.startswith(".") else text
