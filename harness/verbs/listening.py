"""``rehearse learn --listen``: a server of the lab behind a socket of this computer, for whoever connects.

Outside, ``listen`` opens the socket and enters the lab; inside, ``main`` relays and tells what it learned.
"""

from __future__ import annotations

import argparse
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.catalogue import made_of
from harness.errors import RehearsalError, UsageError
from harness.labs import images, namespace
from harness.labs.local import LocalLab
from harness.learn import matching
from harness.learn.capture import Notes
from harness.learn.listener import MAX_AT_ONCE, serve
from harness.learn.study import NothingSeen, judged, write
from harness.report import learned
from harness.report.page import console_for
from harness.report.progress import Progress
from harness.servers.base import HOST
from harness.system import environment, tempdirs
from harness.system.entry import of_the_lab
from harness.system.plain import say

SERVER = "samba-4.22-smb1"
"""Speaks every dialect, so that a client shows all that it has."""
PORT = 445


def listen(options: argparse.Namespace) -> int:
    """Open the socket, warn, and run the server in the lab. Raises UsageError for a wrong address."""
    address, port = _address(options.listen)
    image = options.catalogue.servers[SERVER].image
    wanted = () if image == HOST else (image,)
    with Progress(console_for(sys.stderr), quiet=options.json) as progress:
        found = images.ensure(options.catalogue.images, wanted, progress.image)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        opened = socket.create_server((address, port), family=family, backlog=MAX_AT_ONCE)
    except OSError as error:
        raise UsageError(
            f"--listen {options.listen}: {error.strerror}", "name an address of this computer"
        ) from error
    # Made and removed out here: inside, an image is mounted below it.
    with opened, tempdirs.folder("listen") as folder:
        say(
            f"rehearse: WARNING: for {options.seconds} s anyone who reaches {address} port "
            f"{opened.getsockname()[1]} reaches an SMB server of the lab ({SERVER}, SMB1 on)",
        )
        argv = [sys.executable, "-m", "harness.system.entry", "harness.verbs.listening"]
        argv += [str(folder), str(opened.fileno()), str(options.seconds)]
        argv += [f"--image={name}={path}" for name, path in found.items()]
        argv += ["--json"] if options.json else []
        argv += [f"--write={options.write.resolve()}"] if options.write else []
        heard: list[int] = []
        status = namespace.enter(
            argv, env=environment.ours(), pass_fds=(opened.fileno(),), unblocks=True, passed_on=heard
        )
        return of_the_lab(status, heard)


def _address(text: str) -> tuple[str, int]:
    """``ADDRESS``, ``ADDRESS:PORT`` or ``[IPV6]:PORT``."""
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.startswith("[")):
        host, port = text, str(PORT)
    host = host.strip("[]")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"--listen {text}: expected ADDRESS or ADDRESS:PORT", "e.g. 192.0.2.7:445")
    return host, int(port)


def main(argv: Sequence[str]) -> int:
    """Inside the lab: serve, then tell."""
    options = _parser().parse_args(argv)
    try:
        return _serve(options)
    except RehearsalError as error:
        say(f"rehearse: {error}")
        return error.exit_status


def _serve(options: argparse.Namespace) -> int:
    found = {name: Path(path) for name, _, path in (text.partition("=") for text in options.image)}
    # There is no file: the check sum is that of all that clients sent, in the order in which it came.
    notes = Notes(name="connections that were listened to")
    with (
        socket.socket(fileno=options.fd) as listener,
        LocalLab(options.folder / "lab", found).serve(made_of().servers[SERVER]) as live,
    ):
        target = live.target
        say(f"rehearse: share {target.share}, user {target.user}, password {target.password}")
        say("rehearse: listening")
        hosts, notes.sha256 = serve(listener, (target.address, target.port), options.seconds, _came)
    notes.first = min((host.time for host in hosts.found.values()), default=None)
    try:
        study = judged([notes], hosts, matching.personas())
    except NothingSeen as nothing:
        why = str(nothing) if hosts.found else "no client came"
        if options.json:
            print(learned.render_json(learned.document(nothing.study, {}, why)))
        raise NothingSeen(why, nothing.study) from nothing
    written = write(study, options.write) if options.write else {}
    if options.json:
        print(learned.render_json(learned.document(study, written)))
    else:
        learned.render(study, written, console_for(sys.stdout))
    return 0


def _came(address: str) -> None:
    say(f"rehearse: a connection from {address}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m harness.verbs.listening")
    parser.add_argument("folder", type=Path)
    parser.add_argument("fd", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--image", action="append", default=[])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", type=Path)
    return parser
