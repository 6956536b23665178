"""curl with an ``smb://`` address: SMB1 with NTLMv1 and nothing else, still in every distribution."""

from __future__ import annotations

import hashlib
import shlex
from typing import Final
from urllib.parse import quote

from harness.clients import _process as process
from harness.clients._process import Goal, Invocation
from harness.clients._ran import Ran
from harness.clients.base import Client, ClientSetting, Log, Offer
from harness.errors import Unsupported
from harness.model import Check, ClientPolicy, Dialect, Evidence, Fidelity, StepName, Target
from harness.smb import sink
from harness.system.process import Result, run

_IMAGE = "trixie"
_PROGRAM = "/usr/bin/curl"
_ARGUMENTS: Final = ("-q", "-sS", "-K", "-")
_WELCOME: Final = "welcome.txt"
_UPLOAD: Final = "rehearsal-curl.txt"
_SOURCE: Final = "/etc/passwd"
"""curl needs the size of an upload beforehand, so a pipe will not do; every root has this file."""
_OPEN = Goal((StepName.TREE_CONNECT, StepName.CREATE, StepName.READ))
_WRITE = Goal((StepName.TREE_CONNECT, StepName.CREATE, StepName.WRITE, StepName.READ))


class Curl(Client):
    """Fetches a file to open, uploads and fetches one to write."""

    name = "curl"
    title = "curl smb://, SMB1 and NTLMv1 only; a write leaves its one file behind, curl cannot delete"
    fidelity = Fidelity.REAL
    image = _IMAGE
    tool = _PROGRAM
    evidence = (
        Evidence('its one dialect is "NT LM 0.12", its one proof NTLMv1', "curl, lib/smb.c"),
        Evidence(f"a write overwrites {_UPLOAD} and leaves it there", "curl has no SMB delete, curl(1)"),
    )
    checks = frozenset({Check.OPEN, Check.WRITE})
    cannot = {  # noqa: RUF012 (read only)
        Check.RENAME: "curl has no rename for smb://",
        Check.LARGE: "it cannot delete what it copies",
        Check.LOCK: "curl locks nothing",
        Check.PERMISSIONS: "curl reads files and nothing about them",
    }
    has = frozenset({ClientSetting.TCP_PORT})
    policy = ClientPolicy(max_dialect=Dialect.NT1)
    smb1_removable = "curl has no SMB2: SMB1 cannot be removed from its smb://"
    sees = {  # noqa: RUF012 (read only)
        "connect:RESET": "curl: (7) Failed to connect to … port … after … ms: Could not connect to server",
        "*:TIMEOUT": "nothing: it waits on",
    }

    def software(self, target: Target | None = None) -> str:
        command = target.program(_IMAGE, _PROGRAM) if target else None
        return " ".join(process.version_of(command).split()[:2]) if command else ""

    def perform(self, check: Check, target: Target, policy: ClientPolicy, log: Log) -> None:
        _can(policy)
        match check:
            case Check.OPEN:
                ran = self._run(target, _WELCOME)
                process.judge(ran, _OPEN, policy, log)
                if _digest(ran.result.stdout) not in {conversation.read for conversation in ran.traces}:
                    raise process.muddled(ran, log)
            case Check.WRITE:
                ran = self._run(target, _UPLOAD, _SOURCE)
                process.judge(ran, _WRITE, policy, log)
                written = {conversation.written for conversation in ran.traces} - {""}
                if written != {_digest(ran.result.stdout)}:
                    raise process.muddled(ran, log)
            case _:
                raise Unsupported(f"curl cannot {check}")

    def _run(self, target: Target, file: str, source: str = "") -> Ran:
        command = process.program(target, _IMAGE, _PROGRAM)
        return process.through_tap(
            self.name,
            lambda port: Invocation(
                [*command, *_ARGUMENTS], _config(target, f"127.0.0.1:{port}", file, source)
            ),
            target,
        )

    def by_hand(self, check: Check, target: Target, policy: ClientPolicy) -> tuple[str, ...]:
        _can(policy)
        where = f"smb://{target.address}:{target.port}/{quote(target.share)}/"
        account = f'curl -q -sS -u {shlex.quote(target.account)}:"$PASSWD"'
        if check is Check.WRITE:
            return (f"{account} -T {_SOURCE} {where}{_UPLOAD}", f"{account} {where}{_UPLOAD}")
        return (f"{account} {where}{_WELCOME}",) if check is Check.OPEN else ()

    def offer(self, policy: ClientPolicy, target: Target) -> Offer:
        _can(policy)
        command = process.program(target, _IMAGE, _PROGRAM)

        def start(address: str, port: int) -> Result:
            return run(
                [*command, *_ARGUMENTS], timeout=5.0, stdin=_config(target, f"{address}:{port}", _WELCOME)
            )

        return sink.observe(start)


def _can(policy: ClientPolicy) -> None:
    """Raise Unsupported for a policy that curl cannot follow: it would do the opposite."""
    if not policy.smb1 or policy.min_dialect is not Dialect.NT1:
        raise Unsupported(f"{Curl.smb1_removable}")
    if policy.ntlmv2_only:
        raise Unsupported("curl answers with NTLMv1 only")
    if policy.require_signing or policy.require_encryption:
        raise Unsupported("curl neither signs nor encrypts SMB")
    if not policy.guest:
        raise Unsupported("curl has no setting to refuse guest sessions")


def _config(target: Target, where: str, file: str, source: str = "") -> str:
    """A config for ``curl -K -``: fetch ``file``, after writing the local file ``source`` to it if given."""
    url = f"smb://{where}/{quote(target.share)}/{quote(file)}"
    account = [_option("user", f"{target.account}:{target.password}"), _option("url", url)]
    upload = [*account, _option("upload-file", source), "next"] if source else []
    return "\n".join([*upload, *account, ""])


def _option(name: str, value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name} = "{escaped}"'


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


CLIENTS = (Curl(),)
