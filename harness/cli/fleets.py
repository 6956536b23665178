"""The words of the verb that knows who really connects: fleet."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.base import Help, Parser, verb
from harness.cli.options import as_json, language

if TYPE_CHECKING:
    from harness.cli.base import Subparsers


def of_fleet(parser: Parser) -> None:
    """The fleet whose machines the results speak of."""
    parser.add_argument(
        "--fleet",
        nargs="?",
        const="",
        metavar="NAME|FILE",
        help="rehearse for the machines of a fleet: its kinds are the clients where none are named, and "
        "results count its machines; a stored fleet, its file, or a file to read (docs/fleet.md)",
    )
    parser.add_argument("--no-fleet", action="store_true", help="without the fleet that rehearsal.toml names")


def fleet(verbs: Subparsers) -> None:
    parser = verb(
        verbs,
        "fleet",
        "fleet:fleet",
        "who really connects to your servers: read lists, logs and captures, and count machines",
        """  rehearse fleet import sessions.txt audit.csv 'switch port.pcapng'
  rehearse fleet import copiers.csv --fleet office --hash-addresses
  rehearse fleet show
  rehearse fleet show --machines --fleet office
  rehearse fleet watch sessions-of-today.json --plan plan.json
  rehearse fleet audit samba-4.17 windows-server-2019
  rehearse fleet audit windows-server-2025 --format markdown > ticket.md
  rehearse run smb3-only --fleet               results speak of your machines
  rehearse change --smb-conf smb.conf --set 'server min protocol = SMB3' --fleet office""",
        more="No machine is asked anything: files are read that you have collected. A fleet is kept in the "
        "folder fleet of your project, else in your state folder; user names are never kept. "
        "See: docs/fleet.md",
        runs=False,
    )
    parser.set_defaults(runs=None, shown=parser.format_help)
    operations = parser.add_subparsers(
        dest="operation", metavar="audit|import|show|watch", parser_class=_Operation
    )
    _audit(operations.add_parser("audit", help="the commands that collect all this on Samba and Windows"))
    _import(
        operations.add_parser("import", help="read files into the fleet; the same file again counts once")
    )
    _show(operations.add_parser("show", help="the machines by their kinds"))
    _watch(operations.add_parser("watch", help="what a later sample has that the fleet has not"))


class _Operation(Parser):
    """The parser of an operation; where files are read its help lists what can be."""

    def format_help(self) -> str:
        if self.get_default("reads"):
            # The importers are loaded where somebody asks for them alone.
            from harness.verbs.fleet import kinds_in_words

            self.formatter_class = Help
            self.epilog = f"kinds of files (--as KIND, where a file is not recognised):\n{kinds_in_words()}"
        return super().format_help()


def _of_all(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--fleet",
        default="",
        metavar="NAME",
        help='which fleet (default: that of rehearsal.toml, else "fleet")',
    )
    # As the verb has them; what stands before the operation counts, too.
    parser.add_argument("--project", type=Path, metavar="FOLDER", default=argparse.SUPPRESS, help="as above")
    parser.add_argument("--no-project", action="store_true", default=argparse.SUPPRESS, help="as above")


def _files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="what was collected; its kind is recognised",
    )
    parser.set_defaults(reads=True)
    parser.add_argument("--as", dest="kind", default="", metavar="KIND", help="read all of them as this kind")


def _import(parser: Parser) -> None:
    _of_all(parser)
    _files(parser)
    parser.add_argument(
        "--hash-addresses",
        action="store_true",
        help="keep keyed hashes in the place of addresses and names; so it stays for this fleet",
    )
    language(parser, "text")
    as_json(parser)


def _show(parser: Parser) -> None:
    _of_all(parser)
    parser.add_argument(
        "--machines", action="store_true", help="also list each machine, and why it is so placed"
    )
    language(parser, "text")
    as_json(parser)


def _watch(parser: Parser) -> None:
    _of_all(parser)
    _files(parser)
    parser.add_argument(
        "--plan",
        type=Path,
        metavar="FILE",
        help="also compare with this plan, of rehearse rollout --write: has it fewer machines of a kind?",
    )
    language(parser, "text")
    as_json(parser)


def _audit(parser: Parser) -> None:
    parser.add_argument(
        "servers",
        nargs="*",
        default=["samba", "windows-server"],
        metavar="SERVER",
        help="samba-4.17, windows-server-2019, windows-7 and so on (default: the newest of Samba and of "
        "Windows Server)",
    )
    parser.add_argument(
        "--days", type=int, default=30, metavar="N", help="how long auditing is to stay on (default: 30)"
    )
    parser.add_argument(
        "--conf",
        default="/etc/samba/smb.conf",
        metavar="FILE",
        help="where Samba has its smb.conf (default: /etc/samba/smb.conf)",
    )
    parser.add_argument(
        "--logs",
        default="/var/log/samba",
        metavar="FOLDER",
        help="where Samba has its logs (default: /var/log/samba)",
    )
    parser.add_argument(
        "--format",
        choices=["text", "markdown", "json"],
        default="text",
        help="what is printed (default: text)",
    )
    parser.add_argument("--project", type=Path, metavar="FOLDER", default=argparse.SUPPRESS, help="as above")
    parser.add_argument("--no-project", action="store_true", default=argparse.SUPPRESS, help="as above")
    as_json(parser)
