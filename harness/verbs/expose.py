"""``rehearse expose``: the probes alone, against one server that the user owns."""

from __future__ import annotations

import argparse
import getpass
import os
import re
import socket
import stat
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

from harness.catalogue import Catalogue
from harness.errors import LabFault, UsageError
from harness.exposures.survey import Survey, Surveyed, facts, survey
from harness.mitigations import NONE
from harness.model import Fidelity, Hole, Phase, Sighting, Target
from harness.report.documents import result as document
from harness.report.holes import show_sightings
from harness.report.language import of_reader
from harness.report.page import Page, console_for
from harness.result import SURVIVES, ExposureFact, ExposureResult, RunResult, ServerFact
from harness.system.deadline import pace
from harness.system.plain import say
from harness.system.process import keep_secret
from harness.verbs import consent

USER, PASSWORD = "SMB_REHEARSAL_USER", "SMB_REHEARSAL_PASSWORD"
PORT = 445
SECONDS = 120.0
"""The most that all probes of one server may take, apart from the pauses between their connections."""
CONNECTIONS = 30
"""For how many connections there is time to pause; the servers of the lab took 8 to 11 (measured)."""
LONGEST = 60.0
"""Seconds that a pause may take."""
OK, OPEN, UNDECIDED = 0, 1, 2
Facts = Sequence[ExposureFact]
"""What each exposure is."""


@dataclass(frozen=True, slots=True)
class Login:
    """Who logs on; an empty user logs on nowhere."""

    user: str = ""
    password: str = ""


def expose(options: argparse.Namespace) -> int:
    """Say what is sent, send it, tell what was seen."""
    address, port = one_address(options.address)
    if not options.dry_run:
        consent.refuse(options.address, address, owned=options.owned)
    catalogue: Catalogue = options.catalogue
    known = facts(catalogue.exposures)
    wanted = _wanted(known, options.closed)
    if not 0 <= options.pause <= LONGEST:
        raise UsageError(f"--pause {options.pause:g}: it must be 0 to {LONGEST:g} seconds")
    login = Login() if options.dry_run else credentials(options.credentials, os.environ, ask=options.ask)
    order = Survey(
        Target(address, options.share, login.user, login.password, port),
        datetime.now(UTC).date(),
        platform=options.platform or "",
        account=bool(login.user) or (options.dry_run and _names_an_account(options, os.environ)),
        pause=options.pause,
        seconds=SECONDS + CONNECTIONS * options.pause,
    )
    _announce(known, order, dry=options.dry_run)
    if options.dry_run:
        return OK
    consent.confirm(address, owned=options.owned)
    # A slow machine is no sign of a slow server.
    made = survey(catalogue.exposures, replace(order, slower=pace()), _heard)
    _show(known, order, made, json=options.json, lang=of_reader(options.lang))
    # Unknown whether it fell over: it never answered. What --platform rules out needs no answer.
    if made.seen[SURVIVES].state is Hole.UNKNOWN:
        raise LabFault(f"{address} port {port} answered none of the probes: {made.seen[SURVIVES].evidence}")
    if made.fallen:
        raise LabFault(f"the server no longer answers {made.fallen}", "look at it now")
    states = {made.seen[name].state for name in wanted}
    return OPEN if Hole.OPEN in states else UNDECIDED if Hole.UNKNOWN in states else OK


def one_address(text: str) -> tuple[str, int]:
    """The one address and port that the words name. Raises UsageError for a range, or for several."""
    host, port = text, PORT
    match = re.fullmatch(r"(?:\[(?P<six>[^\]]+)\]|(?P<four>[^:]+))(?::(?P<port>\d+))?", text)
    if match:
        host = match["six"] or match["four"]
        port = int(match["port"] or PORT)
    if not 0 < port < 65536:
        raise UsageError(f"{text!r}: there is no port {port}")
    if re.search(r"[/*,\s]", host) or re.fullmatch(r"[\d.]+-[\d.]+", host):
        raise UsageError(f"{text!r} is not one address", "expose looks at one server, never at a range")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise UsageError(f"{host} is no address and no known name: {error.strerror}") from error
    except UnicodeError as error:
        # What no host name may contain (RFC 3490), found before anybody is asked.
        raise UsageError(f"{host} is no address and cannot be a name of a computer") from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if len(addresses) > 1:
        raise UsageError(f"{host} has several addresses: {', '.join(addresses)}", "name one of them")
    return addresses[0], port


def credentials(file: Path | None, environment: Mapping[str, str], *, ask: bool) -> Login:
    """The login from a file, a prompt or the environment; never from the command line. Raises UsageError."""
    if file is not None and ask:
        raise UsageError("--ask and --credentials exclude each other")
    if ask:
        login = Login(consent.typed("user name: "), getpass.getpass("password: "))
    elif file is not None:
        login = read_credentials(file)
    else:
        login = Login(environment.get(USER, ""), environment.get(PASSWORD, ""))
    keep_secret(login.password)
    return login


def read_credentials(file: Path) -> Login:
    """The lines ``username = ...`` and ``password = ...``, as smbclient(1) -A and mount.cifs(8) read them."""
    try:
        mode = file.stat().st_mode
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read: {error}") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UsageError(f"{file} can be read by others", f"chmod 600 {file}")
    known: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        name, separator, value = line.partition("=")
        key = name.strip().lower()
        if line.strip() and not line.lstrip().startswith("#"):
            if not separator or key not in ("username", "password", "domain"):
                # The line itself may be the password: it is not shown.
                raise UsageError(f"{file}:{number}: expected username, password or domain = ...")
            known[key] = value.strip()
    if not known.get("username"):
        raise UsageError(f"{file}: there is no line username = ...")
    domain = known.get("domain", "")
    user = f"{domain}\\{known['username']}" if domain else known["username"]
    return Login(user, known.get("password", ""))


def _wanted(known: Facts, patterns: str | None) -> Sequence[str]:
    """The exposures that must be closed. Raises UsageError for a pattern that matches none."""
    names = [fact.name for fact in known]
    found: dict[str, None] = {}
    for pattern in patterns.split(",") if patterns else ():
        hits = [name for name in names if fnmatchcase(name, pattern)]
        if not hits:
            raise UsageError(f"no exposure matches {pattern!r}", "See: rehearse list exposures")
        found.update(dict.fromkeys(hits))
    return list(found)


def _names_an_account(options: argparse.Namespace, environment: Mapping[str, str]) -> bool:
    """Without --dry-run there would be an account; nothing is asked and no file is read for that."""
    return options.ask or options.credentials is not None or bool(environment.get(USER))


def _announce(known: Facts, order: Survey, *, dry: bool) -> None:
    """What will be sent at most, on stderr, before anything is: some probes need an account, or a domain."""
    who = "the account that you gave" if order.account else "no account: only what anybody can see"
    where = f"{order.target.address} port {order.target.port}"
    doing = f"nothing is sent to {where} (--dry-run); it would be probed" if dry else f"probing {where}"
    say(
        f"rehearse: {doing} as {who}; one connection at a time, {order.pause:g} s between two. No more than "
        f"this {'would' if dry else 'will'} be sent:",
    )
    for fact in known:
        if not fact.sends.startswith("nothing:"):
            say(f"  {fact.name}: {fact.sends}")
    sys.stderr.flush()


def _heard(name: str, seen: Sighting) -> None:
    say(f"{name}: {seen.state}")


def _show(known: Facts, order: Survey, made: Surveyed, *, json: bool, lang: str) -> None:
    name = f"{order.target.address}:{order.target.port}"
    found = tuple(
        ExposureResult(NONE, name, exposure, {Phase.BASELINE: made.seen[exposure]})
        for exposure in sorted(made.seen)
    )
    if not json:
        page = Page(console_for(sys.stdout), lang)
        show_sightings(page, page.say("exposed.of", name=name), found)
        return
    result = RunResult(
        run=f"expose-{name}",
        lab="",
        complete=True,
        scenarios=(),
        # What it says of itself is not asked: a banner is no evidence.
        servers={name: ServerFact(name, "a server of the user's", "", Fidelity.REAL)},
        clients={},
        mitigations={},
        cells=(),
        exposures=found,
        exposure_facts={fact.name: fact for fact in known},
    )
    print(document.render_json(result))
