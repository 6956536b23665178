"""The words of the verbs that measure on several machines: worker, cluster, and ``run --cluster``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.base import verb
from harness.cli.options import positive

if TYPE_CHECKING:
    from harness.cli.base import Parser, Subparsers

_CERTIFICATES = "the folder with the certificate of your cluster (default: ~/.config/smb-rehearsal/cluster)"
_ADDRESS = "the scheduler's: tls://HOST:PORT"


def of_run(parser: Parser) -> None:
    """Where a run is measured, if not on this machine."""
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="measure on other machines: the workers of the scheduler tls://HOST:PORT (docs/cluster.md)",
    )
    parser.add_argument("--cluster-certificates", type=Path, metavar="DIR", help=_CERTIFICATES)


def worker(verbs: Subparsers) -> None:
    parser = verb(
        verbs,
        "worker",
        "cluster:worker",
        "measure for the runs of a cluster on this machine",
        """  rehearse worker tls://scheduler.example:8786
  rehearse worker tls://127.0.0.1:8786 --certificates ./certificates --workers 2
  rehearse worker tls://scheduler.example:8786 --build trixie --build clients
  rehearse worker tls://scheduler.example:8786 --build all --memory 4000""",
        more="It looks at this machine as rehearse doctor does, tells the scheduler what it has, and "
        "measures one group of cells at a time in a lab of its own. SIGTERM and Ctrl-C end it; nothing is "
        "left behind. A scheduler that goes away is looked for again for ten minutes. Whoever has a "
        "certificate of the cluster can run programs as you on this machine (docs/cluster.md).",
    )
    parser.add_argument("address", metavar="ADDRESS", help=_ADDRESS)
    parser.add_argument("--certificates", type=Path, metavar="DIR", help=_CERTIFICATES)
    parser.add_argument(
        "--build",
        action="append",
        default=[],
        metavar="IMAGE",
        help="build this image first, where it is missing; all: every one (rehearse list images)",
    )
    parser.add_argument(
        "--workers", type=positive, metavar="N", help="attempts at a time (default: cores + 1)"
    )
    parser.add_argument(
        "--memory",
        type=positive,
        metavar="MB",
        help="memory for labs (default: half of what is free)",
    )


def cluster(verbs: Subparsers) -> None:
    parser = verb(
        verbs,
        "cluster",
        "cluster:cluster",
        "make the certificates of a cluster, or be its scheduler",
        """  rehearse cluster certificates                an authority and a certificate, in your settings
  rehearse cluster certificates ./certificates --days 30
  rehearse cluster scheduler tls://127.0.0.1:8786
  rehearse run article --cluster tls://127.0.0.1:8786""",
        more="Machines of a cluster know each other by certificates of one authority. Copy ca.pem, "
        "cluster.pem and cluster.key to each of them, and ca.key to none. A cluster needs the Python package "
        "distributed.",
        catalogue=False,
    )
    operations = parser.add_subparsers(dest="operation", metavar="certificates|scheduler", required=True)
    made = operations.add_parser("certificates", help="make an authority, and a certificate that it signs")
    made.add_argument("folder", nargs="?", type=Path, metavar="DIR", help=_CERTIFICATES)
    made.add_argument("--days", type=positive, default=365, metavar="N", help="how long they are valid (365)")
    scheduler = operations.add_parser("scheduler", help="be the scheduler that workers and runs meet at")
    scheduler.add_argument("address", metavar="ADDRESS", help="where to listen: tls://HOST:PORT")
    scheduler.add_argument("--certificates", type=Path, metavar="DIR", help=_CERTIFICATES)
