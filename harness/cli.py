"""The verbs of the command line; thin: it reads the words, ``harness.verbs`` does the work."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness import __version__
from harness.errors import RehearsalError, UsageError
from harness.paths import runs_dir
from harness.registry import nearest

BUG = 70
"""Exit status of a fault of ours (sysexits.h, EX_SOFTWARE)."""

Verb = Callable[[argparse.Namespace], int]


class _Parser(argparse.ArgumentParser):
    """Answers a wrong word with exit status 64 and the nearest right one."""

    def error(self, message: str) -> None:  # type: ignore[override]
        raise UsageError(message, f"See: {self.prog} --help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns its exit status. Only our own bugs show a traceback."""
    try:
        options = _parse(list(sys.argv[1:] if argv is None else argv))
        logging.basicConfig(
            level=logging.DEBUG if options.verbose else logging.WARNING,
            format="%(asctime)s %(name)s %(message)s",
            stream=sys.stderr,
        )
        options.runs = options.runs or runs_dir()
        verb: Verb = options.verb
        status = verb(options)
        # Now, while what goes wrong with it can still be said.
        sys.stdout.flush()
        return status
    except RehearsalError as error:
        print(f"rehearse: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        print("rehearse: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of our output went away (| head): nothing is left to say, least of all that all is well.
        _drop_output()
        return 128 + signal.SIGPIPE
    except OSError as error:
        if error.filename is not None:
            return _bug()
        _drop_output()
        print(f"rehearse: the output cannot be written: {error.strerror}", file=sys.stderr)
        return RehearsalError.exit_status
    except Exception:
        return _bug()


def _bug() -> int:
    traceback.print_exc()
    print("rehearse: this is a bug in smb-rehearsal, not in your change or the lab", file=sys.stderr)
    return BUG


def _drop_output() -> None:
    """What is still in the buffer goes nowhere, and Python does not stumble over it when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = _build()
    verbs = next(iter(parser._subparsers._group_actions)).choices  # type: ignore[union-attr]
    first = next((word for word in argv if not word.startswith("-")), None)
    if first is not None and verbs is not None and first not in verbs:
        near = nearest(first, verbs)
        meant = f"did you mean {' or '.join(near)}? " if near else ""
        raise UsageError(f"no verb is called {first!r}", f"{meant}See: rehearse --help")
    return parser.parse_args(argv)


def _build() -> _Parser:
    parser = _Parser(
        prog="rehearse",
        description="Rehearse an SMB hardening change on real servers before making it.",
        epilog="""examples:
  rehearse run                                 the whole article of 2017 on this machine
  rehearse run hardening-today                 today's switches on each packaged Samba
  rehearse run 'smb3-only:samba-4.22-smb1'     one change on one server, every client
  rehearse list mitigations                    what can be rehearsed

exit status: 0 everything as expected, 1 an unexpected loss, 2 lab fault, 3 nothing ran,
64 usage, 130 stopped by a signal""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"smb-rehearsal {__version__}")
    verbs = parser.add_subparsers(dest="word", metavar="VERB", required=True)
    for add in (_run, _plan, _list, _show, _report, _learn, _boxes, _doctor, _clean):
        add(verbs)
    return parser


if TYPE_CHECKING:
    # argparse gives its own type no public name, and it takes no parameter when it runs.
    Subparsers = argparse._SubParsersAction[_Parser]


def _verb(verbs: Subparsers, name: str, does: str, what: str, examples: str) -> _Parser:
    """A verb with what all verbs share. ``does`` is ``module:function`` below harness.verbs."""

    def call(options: argparse.Namespace) -> int:
        # Imported when it is wanted: clients and their libraries take half a second to load.
        module, _, function = does.partition(":")
        for folder in getattr(options, "personas", None) or ():
            __import__("harness.clients", fromlist=["add_folder"]).add_folder(folder)
        verb: Verb = getattr(__import__(f"harness.verbs.{module}", fromlist=[function]), function)
        return verb(options)

    parser = verbs.add_parser(
        name,
        help=what,
        description=what[0].upper() + what[1:] + ".",
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(verb=call)
    parser.add_argument("--verbose", action="store_true", help="log every program that is run, on stderr")
    parser.add_argument("--runs", type=Path, metavar="DIR", help="where the run folders are kept")
    return parser


def _selection(parser: _Parser) -> None:
    parser.add_argument(
        "what",
        nargs="*",
        metavar="SCENARIO|CELLS",
        help="scenario names or files, or cell selectors mitigation:server:client:check with * and commas "
        "(parts at the end may be left off); default: the article",
    )
    parser.add_argument("--only", action="append", metavar="CELLS", help="of the scenarios, only these cells")
    parser.add_argument(
        "--lab",
        choices=["local", "vagrant"],
        default="local",
        help="where servers live: in a private network namespace (local), or in virtual machines (vagrant)",
    )
    parser.add_argument(
        "--memory",
        type=_positive,
        metavar="MB",
        help="for all virtual machines together (half of what is free)",
    )


def _personas(parser: _Parser) -> None:
    parser.add_argument(
        "--personas",
        type=Path,
        action="append",
        metavar="DIR",
        help="a folder with more emulated clients, as rehearse learn --write makes them",
    )


def _json(parser: _Parser) -> None:
    parser.add_argument("--json", action="store_true", help="machine-readable, on stdout")


def _run(verbs: Subparsers) -> None:
    parser = _verb(
        verbs,
        "run",
        "run:run",
        "rehearse scenarios or cells, and report",
        """  rehearse run
  rehearse run article-2-nt-pipe-support
  rehearse run 'signing-required+smb3-only:samba-4.*:windows-*:open'
  rehearse run article --only '*:*:windows-xp' --json > result.json
  rehearse run --resume                        go on with the newest run, which was cut off
  rehearse run --resume RUN --failed-only      measure again what was not as expected""",
    )
    _selection(parser)
    _personas(parser)
    _json(parser)
    parser.add_argument("--resume", nargs="?", const="", metavar="RUN", help="go on with a run (the newest)")
    parser.add_argument(
        "--failed-only", action="store_true", help="measure again what was not as expected in that run"
    )
    parser.add_argument(
        "--workers", type=_positive, metavar="N", help="attempts at a time (default: 2 a core)"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")


def _plan(verbs: Subparsers) -> None:
    parser = _verb(
        verbs,
        "plan",
        "look:plan",
        "show what a run would measure, and change nothing",
        "  rehearse plan\n  rehearse plan 'smb311-only:*:*:open'",
    )
    _selection(parser)
    _personas(parser)
    _json(parser)


def _list(verbs: Subparsers) -> None:
    parser = _verb(
        verbs,
        "list",
        "look:list_",
        "list servers, mitigations, clients, checks, scenarios, images or runs",
        "  rehearse list\n  rehearse list clients\n  rehearse list mitigations --json\n"
        "  rehearse list clients --agreement            emulated against real, cell by cell",
    )
    parser.add_argument("kind", nargs="?", metavar="KIND", help="what to list; without it: the kinds")
    parser.add_argument(
        "--agreement",
        action="store_true",
        help="of clients: measure whether emulated ones behave as the real ones of their kind",
    )
    parser.set_defaults(quiet=False, workers=None, failed_only=False)
    _personas(parser)
    _json(parser)


def _show(verbs: Subparsers) -> None:
    parser = _verb(
        verbs,
        "show",
        "look:show",
        "everything about one server, client, mitigation, scenario, or one cell of a run",
        """  rehearse show windows-xp
  rehearse show nt-pipe-support-off:sles11-like:windows-7:browse
  rehearse show smb3-only:samba-4.22-smb1:curl:open --run RUN""",
    )
    parser.add_argument("name", metavar="NAME|CELL")
    parser.add_argument(
        "--run", default="", metavar="RUN", help="the run that a cell is shown of (the newest)"
    )
    _personas(parser)
    _json(parser)


def _report(verbs: Subparsers) -> None:
    parser = _verb(
        verbs,
        "report",
        "look:report",
        "render a run again from its folder",
        "  rehearse report\n  rehearse report RUN --json",
    )
    parser.add_argument("run", nargs="?", default="", metavar="RUN", help="name or folder (the newest)")
    _personas(parser)
    _json(parser)


def _learn(verbs: Subparsers) -> None:
    parser = _verb(
        verbs,
        "learn",
        "learn:learn",
        "the clients in a capture of network traffic, and whom they are like",
        """  rehearse learn office.pcapng
  rehearse learn office.pcapng.gz --write personas
  rehearse learn scanner.pcap --rehearse smb3-only,ntlmv2-only
  rehearse learn --listen 192.0.2.7:445 --seconds 120
  rehearse run --personas personas 'smb3-only:*:learned-*'""",
    )
    parser.add_argument(
        "capture", type=Path, nargs="?", metavar="FILE", help="pcap or pcapng, packed with gzip or not"
    )
    parser.add_argument("--write", type=Path, metavar="DIR", help="write each client as a persona file")
    parser.add_argument(
        "--rehearse",
        nargs="?",
        const="",
        metavar="MITIGATIONS",
        help="run the learned clients in the lab under these mitigations, parted by commas (all)",
    )
    parser.add_argument(
        "--listen",
        metavar="ADDRESS[:PORT]",
        help="instead of FILE: open a server of the lab to whoever reaches this address, and learn them",
    )
    parser.add_argument(
        "--seconds", type=_positive, default=60, metavar="N", help="how long to listen (default: 60)"
    )
    _json(parser)


def _boxes(verbs: Subparsers) -> None:
    parser = _verb(
        verbs,
        "boxes",
        "boxes:boxes_",
        "the disks that virtual machines are made of: list, build, fetch or verify them",
        """  rehearse boxes list
  rehearse boxes build                         all boxes that are made here, of Debian packages
  rehearse boxes build bookworm samba-trixie   a box by its name, or the box of a guest
  rehearse boxes fetch windows-server-2022     what others made, ahead of a rehearsal
  rehearse boxes fetch windows-xp --from ./winxp.box --provider virtualbox
  rehearse boxes verify --boot bookworm        its checksum, and whether it boots""",
    )
    parser.add_argument("deed", choices=["list", "build", "fetch", "verify"], help="what to do")
    parser.add_argument("names", nargs="*", metavar="BOX|GUEST", help="which; default: all")
    parser.add_argument("--again", action="store_true", help="build or fetch also what is there")
    parser.add_argument("--boot", action="store_true", help="verify: see that it boots, too")
    parser.add_argument(
        "--from", dest="from_", default="", metavar="FILE|URL", help="fetch: a box of your own"
    )
    parser.add_argument("--provider", default="", help="fetch: for which provider of Vagrant")
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")
    _json(parser)


def _doctor(verbs: Subparsers) -> None:
    parser = _verb(
        verbs,
        "doctor",
        "look:doctor",
        "what is missing here, and the command that mends it",
        "  rehearse doctor\n  rehearse doctor --json",
    )
    _json(parser)


def _clean(verbs: Subparsers) -> None:
    parser = _verb(
        verbs,
        "clean",
        "upkeep:clean",
        "remove what an interrupted run left behind",
        "  rehearse clean\n  rehearse clean --images",
    )
    parser.add_argument("--images", action="store_true", help="the built server images too")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number
