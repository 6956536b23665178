"""Runs inside the lab's namespace: a server at one cell, and there a shell or a command of the user's.

    rehearse shell --cell -- namespace --> this module -- starts --> the server; the user's shell

The shell finds the user's own environment and, before all else in PATH, a few programs that are made for it.
"""

from __future__ import annotations

import argparse
import logging
import shlex
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from pydantic import TypeAdapter

from harness.catalogue import Catalogue, made_of
from harness.catalogue.sources import from_json
from harness.clients.base import Client
from harness.conduct import cell_attempt, standing
from harness.conduct.lab_for import lab_for
from harness.conduct.standing import Standing
from harness.errors import LabFault, RehearsalError, Unsupported
from harness.labs.vagrant.log_in import by_ssh
from harness.model import CellId, Check, Phase
from harness.report import standing as page
from harness.report.language import Language, codes, language
from harness.servers.live import Accessible, target_of_clients
from harness.system import environment, process
from harness.system.entry import ended
from harness.system.logs import log_to
from harness.system.plain import say

PARTING = 5.0
"""Seconds that a shell has to end when somebody stops us; then it is killed."""
_around: TypeAdapter[dict[str, str]] = TypeAdapter(dict[str, str])


def main(argv: Sequence[str]) -> int:
    """Stand at the cell and run what is asked for; its exit status."""
    at = argv.index("--") if "--" in argv else len(argv)
    options = _parser().parse_args(argv[:at])
    with open(options.around, "rb") as given:  # noqa: PTH123 - a descriptor, no path
        users = _around.validate_json(given.read())
    images = {name: Path(path) for name, _, path in (text.partition("=") for text in options.image)}
    folder: Path = options.folder
    catalogue = made_of(*from_json(options.sources))
    try:
        # What is run by us; removed with everything else.
        log_to(logging.DEBUG, logging.FileHandler(folder / "log.txt"))
        with (
            lab_for(folder / "lab", images, options.means) as lab,
            standing.at(catalogue, lab, CellId.parse(options.cell), Phase(options.phase)) as there,
        ):
            programs = _programs(catalogue, there, lab.name, folder, language(options.lang))
            return _run(there, programs, list(argv[at + 1 :]), users, options.directory)
    except (KeyboardInterrupt, RehearsalError) as error:
        return ended(error)


def _programs(catalogue: Catalogue, there: Standing, lab: str, folder: Path, say_in: Language) -> Path:
    """The folder of the programs that the shell has; with the page among them."""
    programs = folder / "bin"
    programs.mkdir()
    target, client = target_of_clients(there.live), there.client
    check = Check(there.cell.check)
    cell_attempt.write(
        cell_attempt.Asked(client.name, there.policy, check, target, catalogue.sources),
        folder / "attempt.json",
    )
    mine = environment.small(environment.ours())
    around = [f"{name}={value}" for name, value in mine.items()]
    run = [sys.executable, "-m", "harness.system.entry", "harness.conduct.cell_attempt"]
    _program(programs / page.ATTEMPT, ["env", "-i", *around, *run, str(folder / "attempt.json")])
    smbclient = catalogue.clients[page.SMBCLIENT]
    for tool in (client, smbclient):
        found = target.program(tool.image, tool.tool) if tool.tool else None
        place = programs / Path(tool.tool).name
        if found is not None and not place.exists():
            _program(place, found)
    by_hand = _by_hand(there, client, check)
    others = _by_hand(there, smbclient, check) if client.tool != smbclient.tool else ()
    route = target.guest(client.guest) if client.guest else None
    login = shlex.join(by_ssh(route, folder / "lab" / "known_hosts", terminal=True)) if route else ""
    surroundings = page.Surroundings(
        there.cell,
        there.phase,
        lab,
        there.live.fact(),
        target,
        client,
        there.policy,
        there.evidence,
        there.live.access() if isinstance(there.live, Accessible) else {},
    )
    text = page.lines(surroundings, page.ByHand(by_hand, others, login), say_in)
    (folder / "page.txt").touch(mode=0o600)
    (folder / "page.txt").write_text("\n".join(text) + "\n", encoding="utf-8")
    _program(programs / page.AGAIN, ["cat", str(folder / "page.txt")])
    return programs


def _by_hand(there: Standing, client: Client, check: Check) -> tuple[str, ...]:
    """The lines for a client by hand; none where it cannot, or the lab has it not.

    Another client than the cell's is called as it came from its vendor.
    """
    policy = there.policy if client is there.client else client.policy
    done = page.checks_by_hand(check)
    if done not in client.checks:
        return ()
    with suppress(Unsupported, LabFault):
        return client.by_hand(done, target_of_clients(there.live), policy)
    return ()


def _program(path: Path, argv: Sequence[str]) -> None:
    path.write_text(f'#!/bin/sh\nexec {shlex.join(argv)} "$@"\n')
    path.chmod(0o700)


def _run(
    there: Standing, programs: Path, command: Sequence[str], users: Mapping[str, str], directory: str
) -> int:
    """The user's shell, or their command; its exit status, 128 + n for signal n."""
    if not command:
        for line in (programs.parent / "page.txt").read_text(encoding="utf-8").splitlines():
            say(line)
    target = target_of_clients(there.live)
    path = f"{programs}:{users.get('PATH', environment.PATH)}"
    given = {"SMB_SERVER": target.address, "SMB_SHARE": target.share, "SMB_USER": target.user}
    given |= {"PASSWD": target.password, "REHEARSE_CELL": str(there.cell), "REHEARSE_PHASE": there.phase}
    words = list(command) or [users.get("SHELL") or "/bin/sh"]
    # What every program of ours finds and the user has not set is not for theirs.
    unset = [f"--unset={name}" for name in environment.SMALL if name not in {*users, "PATH"}]
    start = ["env", *unset, "sh", "-c", 'cd -- "$0" 2>/dev/null; exec "$@"', directory, *words]
    child = process.attach(start, env={**users, **given, "PATH": path})
    # Ctrl-C is for what runs in the shell; a command that it ends has its own status.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        status = child.wait()
    finally:
        process.hang_up(child, PARTING)
    return status if status >= 0 else 128 - status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m harness.system.entry harness.conduct.cell_shell")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cell", required=True)
    parser.add_argument("--phase", required=True)
    parser.add_argument("--image", action="append", default=[], metavar="NAME=PATH")
    parser.add_argument("--sources", default="[]", metavar="JSON")
    parser.add_argument("--means", default="", metavar="JSON")
    parser.add_argument("--around", type=int, required=True, metavar="FD")
    parser.add_argument("--directory", required=True)
    parser.add_argument("--lang", choices=codes(), required=True)
    return parser
