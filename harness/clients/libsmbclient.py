"""libsmbclient of Samba through python3-smbc: what file managers of GNOME and KDE open ``smb://`` with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Final

from harness.clients import _library as library
from harness.clients import _process as process
from harness.clients._library import LibraryRan
from harness.clients._process import Invocation
from harness.clients._ran import Ran
from harness.clients.base import Client, ClientSetting, Log, Offer
from harness.errors import Unsupported
from harness.model import Check, ClientPolicy, Dialect, Evidence, Fidelity, Target
from harness.smb import sink, trial
from harness.system import resources
from harness.system.process import Result, run

_IMAGE: Final = "clients"
_PYTHON: Final = "/usr/bin/python3"
_SCRIPT: Final = resources.path("clients", "programs", "libsmbclient.py")
_VERSION: Final = "import _smbc, smbc; from importlib.metadata import version; print(version('pysmbc'))"
_DEFAULTS: Final = (Dialect.SMB2_02, Dialect.SMB3_11)


class Libsmbclient(Client):
    """Opens ``smb://server/`` to browse, ``smb://server/share`` to open, and writes through file objects."""

    name = "libsmbclient"
    title = "libsmbclient of Samba through python3-smbc, as GNOME and KDE open smb://"
    fidelity = Fidelity.REAL
    image = _IMAGE
    evidence = (
        Evidence("it is that library itself", "Debian, python3-smbc and libsmbclient0"),
        Evidence("SMB1 is off since Samba 4.11", "smb.conf(5), client min protocol: default SMB2_02"),
    )
    checks = frozenset({Check.BROWSE, Check.OPEN, Check.WRITE, Check.RENAME})
    cannot = {  # noqa: RUF012 (read only)
        Check.LARGE: "it can, and this lab does not ask it to",
        Check.LOCK: "libsmbclient has no call for it",
        Check.PERMISSIONS: "python3-smbc answers ENODATA when asked for the owner of a folder (measured)",
    }
    has = frozenset({ClientSetting.TCP_PORT})
    policy = ClientPolicy(smb1=False, min_dialect=Dialect.SMB2_02, ntlmv2_only=True)
    smb1_removable = (
        "libsmbclient speaks no SMB1 unless it is told to (client min protocol = SMB2_02 since 4.11)"
    )
    sees = {  # noqa: RUF012 (read only)
        "connect:RESET": "ConnectionRefusedError: [Errno 111] Connection refused",
        "*:TIMEOUT": "TimedOutError: (110, 'Connection timed out') (inferred: it was not waited for)",
    }

    def software(self, target: Target | None = None) -> str:
        command = target.program(_IMAGE, _PYTHON) if target else None
        return f"libsmbclient, python3-smbc {_version(command)}" if command else ""

    def perform(self, check: Check, target: Target, policy: ClientPolicy, log: Log) -> None:
        protocol = _protocol(policy)
        ran = process.through_tap(
            self.name, lambda port: _order(check, target, "127.0.0.1", port, protocol), target
        )
        library.judge(_told(ran, _wanted(check, target)), check, policy, log)

    def offer(self, policy: ClientPolicy, target: Target) -> Offer:
        protocol = _protocol(policy)

        def start(address: str, port: int) -> Result:
            call = _order(Check.OPEN, target, address, port, protocol)
            return run(call.argv, timeout=5.0, stdin=call.stdin, env=call.env)

        return sink.observe(start)


def _protocol(policy: ClientPolicy) -> str:
    """The one protocol to ask for, "" for the library's own. Raises Unsupported where it has no setting."""
    library.only(policy, "python3-smbc")
    limits = library.span(policy)
    if limits == _DEFAULTS:
        return ""
    if limits[0] is not limits[1]:
        raise Unsupported("python3-smbc asks for every dialect since 2.0.2 or for a single one")
    # A single one: smbc_setOptionProtocols with the same minimum and maximum.
    return limits[0].in_smb_conf


def _order(check: Check, target: Target, address: str, port: int, protocol: str) -> Invocation:
    """The helper as an argument, for the image does not see our files; the order with its secret on stdin."""
    order = {
        "address": address,
        "port": port,
        "user": target.user,
        "workgroup": target.workgroup,
        "password": target.password,
        "share": target.share,
        "name": trial.new_name(),
        "renamed": trial.new_name(),
        "content": trial.CONTENT.decode(),
        "proto": protocol,
        "check": str(check),
    }
    python = process.program(target, _IMAGE, _PYTHON)
    # No home: the library would read a smb.conf below it.
    alone = {"LC_ALL": "C", "HOME": "/nonexistent"}
    return Invocation([*python, "-I", "-c", _script()], json.dumps(order), alone)


@cache
def _script() -> str:
    return _SCRIPT.read_text("utf-8")


@cache
def _version(command: Sequence[str]) -> str:
    done = run([*command, "-I", "-c", _VERSION], timeout=10)
    return done.check("python3-smbc", "rebuild the image: rehearse doctor").stdout.strip()


def _wanted(check: Check, target: Target) -> str:
    """What only the server can have told."""
    return {Check.BROWSE: target.share, Check.OPEN: "."}.get(check, trial.CONTENT.decode())


def _told(ran: Ran, wanted: str) -> LibraryRan:
    """What the helper reports, as of a library in our own process."""
    last = (ran.result.stdout.strip().splitlines() or [""])[-1]
    report = json.loads(last) if last.startswith("{") else {"step": "connect", "error": last or "nothing"}
    words = "" if "shown" in report else f"{report['step']}: {report['error']}"
    if not words and wanted not in report["shown"]:
        words = f"list: {wanted[:20]!r} is not in what it shows"
    # A program that did not end in time stays one.
    status = ran.result.status if ran.result.status is None else int(bool(words))
    words = "" if status is None else words
    return LibraryRan(ran.program, replace(ran.result, status=status, stderr=words), ran.traces, ran.ended_at)


CLIENTS: tuple[Client, ...] = (Libsmbclient(),)
