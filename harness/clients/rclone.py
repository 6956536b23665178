"""rclone: copies between clouds and shares; its SMB is the Go library go-smb2, which has no SMB1."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Final

from harness.clients import _process as process
from harness.clients._process import Goal, Invocation, Reported
from harness.clients._ran import Ran
from harness.clients._resident_client import LISTS_FILES, LISTS_SHARES
from harness.clients.base import Client, ClientSetting, Log, Offer
from harness.errors import ClientFailed, LabFault, Unsupported
from harness.model import Check, ClientPolicy, Dialect, Evidence, Fidelity, StepName, Target
from harness.smb import sink
from harness.system import client_image as programs
from harness.system.process import Result, keep_secret, run

_PROGRAM: Final = "/usr/bin/rclone"
_WELCOME: Final = "welcome.txt"
# At its defaults it tries ten times to connect before it tells its user the same (measured: 11 s).
_OPTIONS: Final = ("--config=/notfound", "--retries=1", "--low-level-retries=1", "--log-format=")
_COMPLAINT: Final = re.compile(r"Failed to|ERROR|CRITICAL")
_DENIED: Final = re.compile(r"(?P<denied>permission denied|[Aa]ccess[ _][Dd]enied)")
"""It names no NTSTATUS."""
_UNSIGNED: Final = re.compile(r"invalid response error: signing required")
"""Several requests are on their way then: whether it took the last one's answer for unsigned is chance."""
_BLOCK: Final = 1 << 16
_BLOCKS: Final = 256
"""A file of 16 MB, in many requests: where signing is mandatory a small one comes through by chance."""


def _reported(step: StepName, success: Callable[[Result], bool]) -> Reported:
    return Reported(success, ((_DENIED, step),))


def _shows(text: str) -> Callable[[Result], bool]:
    return lambda result: text in result.stdout


def _silent(result: Result) -> bool:
    """``rcat`` and ``deletefile`` print nothing when all is well; what was written is proven by ``cat``."""
    return result.status == 0 and not _COMPLAINT.search(result.stderr)


_PUT: Final = Goal(
    (StepName.TREE_CONNECT, StepName.CREATE, StepName.WRITE), _reported(StepName.TREE_CONNECT, _silent)
)
_MOVE: Final = Goal((StepName.RENAME,), _reported(StepName.RENAME, _silent))
_DELETE: Final = Goal((StepName.DELETE,), _reported(StepName.DELETE, _silent))


class Rclone(Client):
    """``lsf`` to browse and to open; ``rcat``, ``cat`` and ``deletefile`` to write."""

    name = "rclone"
    title = "rclone, which copies between shares and clouds; SMB by the Go library go-smb2"
    fidelity = Fidelity.REAL
    image = programs.IMAGE
    evidence = (
        Evidence("no SMB1; no setting for dialects, signing or encryption", "rclone 1.60, backend smb"),
        Evidence("NTLMv2 only", "measured on the wire"),
        Evidence(
            "where signing is mandatory it rejects an interim answer to a write or a read as not signed:"
            " small files fail by that now and then, large ones most of the time. So it writes 16 MB here,"
            " and is tried several times there",
            'measured with Samba 4.22: "invalid response error: signing required" in 12 of 48 small files'
            " and in 8 of 9 of 16 MB",
        ),
        Evidence("it tries each connection ten times in 11 s; here once", "measured, --low-level-retries"),
    )
    checks = frozenset({Check.BROWSE, Check.OPEN, Check.WRITE, Check.RENAME})
    cannot = {  # noqa: RUF012 (read only)
        Check.PERMISSIONS: "rclone reads no security descriptors",
        Check.LARGE: "its write check copies 16 MB already",
        Check.LOCK: "rclone locks nothing",
    }
    has = frozenset({ClientSetting.TCP_PORT})
    policy = ClientPolicy(smb1=False, min_dialect=Dialect.SMB2_02, ntlmv2_only=True)
    smb1_removable = "rclone has no SMB1"
    sees = {  # noqa: RUF012 (read only)
        "connect:RESET": "couldn't connect SMB: dial tcp …: connect: connection refused",
        "*:TIMEOUT": "nothing: it waits on",
    }

    def software(self, target: Target | None = None) -> str:
        command = target.program(self.image, _PROGRAM) if target else None
        return _version(command) if command else ""

    def perform(self, check: Check, target: Target, policy: ClientPolicy, log: Log) -> None:
        process.has_settings(self.name, self.policy, policy)
        match check:
            case Check.BROWSE:
                goal = Goal(LISTS_SHARES, _reported(StepName.CREATE_PIPE, _shows(f"{target.share}/")))
                listed = _run(target, ["lsf", ":smb:"])
                log.wavers = _by_chance(listed)
                process.judge(listed, goal, policy, log)
            case Check.OPEN:
                goal = Goal(LISTS_FILES, _reported(StepName.TREE_CONNECT, _shows(_WELCOME)))
                process.judge(_run(target, ["lsf", f":smb:{target.share}"]), goal, policy, log)
            case Check.WRITE | Check.RENAME:
                _write(target, policy, log, rename=check is Check.RENAME)
            case _:
                raise Unsupported(f"rclone cannot {check}")

    def offer(self, policy: ClientPolicy, target: Target) -> Offer:
        process.has_settings(self.name, self.policy, policy)
        command = process.program(target, self.image, _PROGRAM)
        env = _environment(command, target)

        def start(_: str, port: int) -> Result:
            words = [*command, *_OPTIONS, "lsf", f":smb:{target.share}"]
            return run(words, timeout=5.0, env={**env, "RCLONE_SMB_PORT": str(port)})

        return sink.observe(start)


def _by_chance(ran: Ran) -> bool:
    """Where signing is mandatory it takes some answers for unsigned, unless they are encrypted."""
    return any(one.server_signing == "required" and not one.encrypted for one in ran.traces)


def _write(target: Target, policy: ClientPolicy, log: Log, *, rename: bool) -> None:
    # Attempts run side by side on one share; none may meet the file of another.
    name = f"rehearsal-{secrets.token_hex(6)}.txt"
    content = f"rehearsal {name} ".ljust(_BLOCK, ".") * _BLOCKS
    file = f":smb:{target.share}/{name}"
    try:
        put = _run(target, ["rcat", file], content)
        log.wavers = _by_chance(put)
        process.judge(put, _PUT, policy, log)
        if rename:
            new = f":smb:{target.share}/new-{name}"
            process.judge(_run(target, ["moveto", file, new]), _MOVE, policy, log)
            file = new
        got = _run(target, ["cat", file])
        process.judge(got, Goal((StepName.READ,), _reported(StepName.READ, _shows(name))), policy, log)
        if got.result.stdout != content:
            raise process.muddled(got, log)
    except ClientFailed:
        # What it left half written is no use to anybody, and goes if it can.
        with suppress(LabFault):
            _run(target, ["deletefile", file])
        raise
    process.judge(_run(target, ["deletefile", file]), _DELETE, policy, log)


def _run(target: Target, words: Sequence[str], stdin: str = "") -> Ran:
    command = process.program(target, Rclone.image, _PROGRAM)
    env = _environment(command, target)

    def invocation(port: int) -> Invocation:
        return Invocation([*command, *_OPTIONS, *words], stdin, {**env, "RCLONE_SMB_PORT": str(port)})

    return process.through_tap(Rclone.name, invocation, target, _COMPLAINT, _UNSIGNED)


def _environment(command: tuple[str, ...], target: Target) -> Mapping[str, str]:
    """The settings of its backend smb (rclone docs: environment variables); no process list shows them."""
    return {
        "RCLONE_SMB_HOST": "127.0.0.1",
        "RCLONE_SMB_USER": target.user,
        **({"RCLONE_SMB_DOMAIN": target.workgroup} if target.domain else {}),
        "RCLONE_SMB_PASS": _obscured(command, target.password),
    }


@cache
def _obscured(command: tuple[str, ...], password: str) -> str:
    """The password as rclone wants it, which it can turn back: no less a secret."""
    text = (
        run([*command, "obscure", "-"], timeout=10.0, stdin=password).check("rclone obscure").stdout.strip()
    )
    keep_secret(text)
    return text


@cache
def _version(command: tuple[str, ...]) -> str:
    """``rclone --version`` begins with "rclone v1.60.1-DEV"."""
    return process.version_of((*command, "--config=/notfound"))


CLIENTS = (Rclone(),)
