"""The words of the verbs that look at what is out there: expose, learn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.base import verb
from harness.cli.options import as_json, exposures, language, positive
from harness.servers import platforms

if TYPE_CHECKING:
    from harness.cli.base import Subparsers


def expose(verbs: Subparsers) -> None:
    parser = verb(
        verbs,
        "expose",
        "expose:expose",
        "probe one server that you own for its exposures, without harm",
        """  rehearse expose 192.168.0.7
  rehearse expose fileserver.example --credentials ~/.smbcredentials --share data
  rehearse expose 192.168.0.7:4450 --ask --json > production.json
  rehearse expose 192.168.0.7 --closed 'smb1-spoken,anonymous-*'
  rehearse expose 192.168.0.7 --dry-run        only say what would be sent
  rehearse expose cloud.example --i-own-this-server      a server at a public address""",
    )
    parser.add_argument("address", metavar="ADDRESS[:PORT]", help="one address or name, never a range")
    parser.add_argument("--ask", action="store_true", help="ask for user name and password")
    parser.add_argument(
        "--credentials",
        type=Path,
        metavar="FILE",
        help="a file with the lines username = ... and password = ..., readable only by you (default: "
        "SMB_REHEARSAL_USER and SMB_REHEARSAL_PASSWORD of the environment; without those, no logon is made)",
    )
    parser.add_argument(
        "--share", default="", metavar="NAME", help="the share to look at (default: those listed)"
    )
    parser.add_argument("--platform", choices=platforms.names(), help="what the server is known to be")
    parser.add_argument(
        "--pause",
        type=float,
        default=0.1,
        metavar="SECONDS",
        help="pause between two connections (default: 0.1; at most 60)",
    )
    parser.add_argument(
        "--closed", metavar="NAMES", help="exit status 1 when one of these is open, 2 when one is unknown"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be sent, and send nothing")
    parser.add_argument(
        "--i-own-this-server",
        dest="owned",
        action="store_true",
        help="you own the server: required for a public address, where a terminal asks all the same; for "
        "other addresses that are not private it replaces the question",
    )
    exposures(parser)
    language(parser, "text")
    as_json(parser)


def learn(verbs: Subparsers) -> None:
    parser = verb(
        verbs,
        "learn",
        "learn:learn",
        "the clients in a capture of network traffic, and which known ones they resemble",
        """  rehearse learn office.pcapng
  rehearse learn office.pcapng.gz --write personas
  rehearse learn at-the-client.pcap at-the-server.pcap
  rehearse learn scanner.pcap --rehearse smb3-only,ntlmv2-only
  rehearse learn --listen 192.0.2.7:445 --seconds 120
  rehearse run --personas personas 'smb3-only:*:learned-*'""",
    )
    parser.add_argument(
        "captures",
        type=Path,
        nargs="*",
        metavar="FILE",
        help="pcap or pcapng, optionally compressed with gzip; several are read as one, and a connection "
        "that was recorded at both ends counts once",
    )
    parser.add_argument("--write", type=Path, metavar="DIR", help="write each client as a persona file")
    parser.add_argument(
        "--rehearse",
        nargs="?",
        const="",
        metavar="MITIGATIONS",
        help="run the learned clients in the lab under these mitigations, separated by commas (all)",
    )
    parser.add_argument(
        "--listen",
        metavar="ADDRESS[:PORT]",
        help="instead of FILE: open a server of the lab at this address, and learn the clients that connect",
    )
    parser.add_argument(
        "--seconds", type=positive, default=60, metavar="N", help="how long to listen (default: 60)"
    )
    as_json(parser)
