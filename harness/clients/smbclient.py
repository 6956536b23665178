"""smbclient of each Samba release at hand: the program itself, at its defaults."""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from harness.clients import _process as process
from harness.clients._process import Goal, Invocation, Reported
from harness.clients._ran import Ran
from harness.clients.base import Client, ClientSetting, Log, Offer, printer
from harness.errors import ClientFailed, OutOfTime, Refused, Unsupported
from harness.model import BY_NAMES, Check, ClientPolicy, Copied, Dialect, Evidence, Fidelity, StepName, Target
from harness.smb import sink
from harness.system.process import Result, run

_PROGRAM = "/usr/bin/smbclient"
_RPC = "/usr/bin/rpcclient"
_OWNER: Final = re.compile(r"Owner SID:\s*(S-1-[0-9-]+)")
_RATE: Final = re.compile(r"ing file .*\(([0-9.]+) (?:kb|kB|KiloBytes)")
"""How fast it was, in KiB a second: put and get say it (source3/client/client.c)."""
_STATUS: Final = r"NT_(STATUS_\w+)"


def _words(*pairs: tuple[str, StepName]) -> tuple[tuple[re.Pattern[str], StepName], ...]:
    return tuple((re.compile(words), step) for words, step in pairs)


_BROWSE = Goal(
    (StepName.TREE_CONNECT_IPC, StepName.ENUMERATE_SHARES),
    Reported(
        lambda result: "Disk|" in result.stdout,
        _words(
            (rf"tree connect failed: {_STATUS}", StepName.TREE_CONNECT_IPC),
            (rf"Could not connect to srvsvc pipe: {_STATUS}", StepName.CREATE_PIPE),
        ),
    ),
)
_OPEN = Goal(
    (StepName.TREE_CONNECT, StepName.LIST),
    Reported(
        lambda result: "blocks of size" in result.stdout,
        _words(
            (rf"tree connect failed: {_STATUS}", StepName.TREE_CONNECT),
            (rf"{_STATUS} listing", StepName.LIST),
        ),
    ),
)
_PUT = Goal(
    (StepName.TREE_CONNECT, StepName.CREATE, StepName.WRITE),
    Reported(
        lambda result: "putting file" in result.stdout + result.stderr,
        _words(
            (rf"tree connect failed: {_STATUS}", StepName.TREE_CONNECT),
            (rf"{_STATUS} opening remote file", StepName.CREATE),
            (rf"{_STATUS} (?:closing|writing) remote file", StepName.WRITE),
            (rf"cli_push returned {_STATUS}", StepName.WRITE),
        ),
    ),
)


_SHOW = Goal(
    (StepName.TREE_CONNECT, StepName.QUERY_SECURITY),
    Reported(
        lambda result: bool(_OWNER.search(result.stdout)),
        _words(
            (rf"tree connect failed: {_STATUS}", StepName.TREE_CONNECT),
            (rf"{_STATUS} listing", StepName.LIST),
        ),
    ),
)
_NAME = Goal(
    (StepName.TREE_CONNECT_IPC, StepName.CREATE_PIPE, StepName.LOOKUP_SIDS),
    Reported(
        lambda result: result.stdout.startswith("S-1-"),
        _words(
            (rf"Cannot connect to server.*{_STATUS}", StepName.TREE_CONNECT_IPC),
            (rf"Could not initialise lsarpc.*{_STATUS}", StepName.CREATE_PIPE),
            (rf"result was {_STATUS}", StepName.LOOKUP_SIDS),
        ),
    ),
)


def _get(content: str, *before: StepName) -> Goal:
    return Goal(
        (*before, StepName.READ, StepName.DELETE),
        Reported(
            lambda result: content in result.stdout,
            _words(
                (rf"{_STATUS} renaming files", StepName.RENAME),
                (rf"{_STATUS} opening remote file", StepName.READ),
                (rf"parallel_read returned {_STATUS}", StepName.READ),
                (rf"{_STATUS} (?:listing|deleting remote file)", StepName.DELETE),
            ),
        ),
    )


@dataclass(frozen=True, slots=True)
class Call:
    """One way to start smbclient: its command, and the options that every call has."""

    command: tuple[str, ...]
    options: tuple[str, ...]
    version: tuple[int, int]
    env: Mapping[str, str] = field(default_factory=dict)
    """Where it finds a KDC."""

    def to(self, target: Target, port: int, words: Sequence[str], stdin: str = "") -> Invocation:
        # The name in //name/share stays the server's; -I leads the connection through the tap.
        led = ["-s", "/dev/null", *self.options, "-I", "127.0.0.1", "-p", str(port)]
        if not target.password:
            # Else it asks for one, and reads it from the file that is to be written (measured, 4.17 to 4.25).
            led.append("-N")
        # Without -U, or with the account in $USER, one that is refused comes again as anonymous (clidfs.c,
        # cli_credentials_authentication_requested). The password goes by the environment, which no process
        # list shows.
        account = {"PASSWD": target.password, "LC_ALL": "C", **self.env}
        return Invocation([*self.command, *led, "-U", target.account, *words], stdin, account)


class Smbclient(Client):
    """``-L`` to browse, ``ls`` to open, ``put``/``get``/``del`` to write.

    ``put -`` ends smbclient (source3/client/client.c, do_put), so that a write takes two calls.
    """

    fidelity = Fidelity.REAL
    tool = _PROGRAM
    evidence: tuple[Evidence, ...] = (
        Evidence("SMB1 is off since Samba 4.11", "smb.conf(5), client min protocol: default SMB2_02"),
        Evidence("NTLMv2 only", "smb.conf(5), client NTLMv2 auth: default yes"),
    )
    checks = frozenset(
        {Check.BROWSE, Check.OPEN, Check.WRITE, Check.RENAME, Check.PERMISSIONS, Check.LARGE, Check.PRINT}
        | BY_NAMES
    )
    cannot = {  # noqa: RUF012 (read only)
        Check.LOCK: "smbclient locks by POSIX extensions alone, and only what it opened so"
    }
    policy = ClientPolicy(smb1=False, min_dialect=Dialect.SMB2_02, ntlmv2_only=True)
    has = frozenset({ClientSetting.REQUIRE_SIGNING, ClientSetting.REQUIRE_ENCRYPTION, ClientSetting.TCP_PORT})
    smb1_removable = (
        "smbclient speaks no SMB1 unless it is told to (client min protocol = SMB2_02 since 4.11)"
    )
    sees = {  # noqa: RUF012 (read only)
        "create-pipe:*": "no share in the list and no message; exit status 0",
        "connect:RESET": "do_connect: Connection to … failed (Error NT_STATUS_CONNECTION_REFUSED)",
        "*:TIMEOUT": "NT_STATUS_IO_TIMEOUT (inferred: it was not waited for)",
    }

    def __init__(self, name: str = "smbclient", image: str = "trixie", release: str = "4.22") -> None:
        self.name = name
        self.image = image
        self.title = f"smbclient of Samba {release}, from the image {image}"

    def software(self, target: Target | None = None) -> str:
        command = target.program(self.image, _PROGRAM) if target else None
        return f"smbclient {process.version_of(command).removeprefix('Version ')}" if command else ""

    def perform(self, check: Check, target: Target, policy: ClientPolicy, log: Log) -> None:
        call = self._call(target, policy)
        match check:
            case Check.BROWSE:
                # Only level 10 names the pipe's refusal, and behind encryption nothing else does.
                ran = self._run(call, target, ["-d", "10", "-g", "-L", f"//{target.called}"])
                try:
                    process.judge(ran, _BROWSE, policy, log)
                except Refused as refusal:
                    if refusal.step in {StepName.CREATE_PIPE, StepName.ENUMERATE_SHARES}:
                        # Its user, at level 1, reads nothing of it.
                        log.said = ""
                    raise
                if "Disk|" not in ran.result.stdout:
                    why = "the shares were sent, but smbclient lists none"
                    raise ClientFailed(why, StepName.ENUMERATE_SHARES)
            case Check.OPEN:
                process.judge(self._run(call, target, _share(target, "ls")), _OPEN, policy, log)
            case Check.WRITE | Check.RENAME:
                self._write(call, target, policy, log, rename=check is Check.RENAME)
            case Check.LARGE:
                self._write(call, target, policy, log, rename=False)
                self._large(call, target, log)
            case Check.PRINT:
                words = [f"//{target.called}/{printer(target)}", "-c", "print -"]
                process.judge(self._run(call, target, words, "a job"), _PUT, policy, log)
            case Check.PERMISSIONS:
                self._permissions(call, target, policy, log)
            case _:
                raise Unsupported(f"smbclient cannot {check}")

    def _write(self, call: Call, target: Target, policy: ClientPolicy, log: Log, *, rename: bool) -> None:
        # Attempts run side by side on one share; none may meet the file of another.
        name = f"rehearsal-{secrets.token_hex(6)}.txt"
        content = f"rehearsal {name}"
        put = self._run(call, target, _share(target, f"put - {name}"), content)
        process.judge(put, _PUT, policy, log)
        commands = f"get {name} -; del {name}"
        if rename:
            commands = f"rename {name} new-{name}; get new-{name} -; del new-{name}"
        got = self._run(call, target, _share(target, commands))
        process.judge(got, _get(content, *([StepName.RENAME] if rename else [])), policy, log)
        if content not in got.result.stdout:
            raise process.muddled(got, log)

    def _large(self, call: Call, target: Target, log: Log) -> None:
        """Without the relay that reads along: it would take its own time for each byte that it can read.

        How the client gets on was seen on the wire with a small file; of the large one its own words tell.
        """
        from harness.smb.checks import large

        name = f"rehearsal-{secrets.token_hex(6)}.txt"
        content = "0123456789abcdef" * (large.SIZE // 16)
        try:
            up = self._rate(call, target, StepName.WRITE, f"put - {name}", content)
            down = self._rate(call, target, StepName.READ, f"get {name} /dev/null")
        finally:
            self._direct(call, target, f"del {name}")
        log.copied = Copied(large.SIZE, large.SIZE / 1024 / up, large.SIZE / 1024 / down)

    def _rate(self, call: Call, target: Target, step: StepName, commands: str, stdin: str = "") -> float:
        """KiB a second that smbclient tells. Raises as ``Client.perform`` by its words."""
        from harness.smb.checks import large

        made = self._direct(call, target, commands, stdin)
        words = f"{made.stderr}\n{made.stdout}"
        if made.status is None:
            raise OutOfTime(f"smbclient did not copy 64 MiB in {made.seconds:.0f} s")
        if refused := re.search(rf"{_STATUS}.*", words):
            raise Refused(refused[1], detail=f"{refused[0]}; as the client reported", step=step)
        found = _RATE.search(words)
        if found is None or (step is StepName.READ and f"size {large.SIZE} " not in words):
            raise ClientFailed(f"smbclient did not copy 64 MiB; {words.strip()[:200]}", step)
        return max(float(found[1]), 0.1)

    def _direct(self, call: Call, target: Target, commands: str, stdin: str = "") -> Result:
        made = call.to(target, target.port, _share(target, commands), stdin)
        argv = [target.address if word == "127.0.0.1" else word for word in made.argv]
        return run(argv, timeout=target.seconds, stdin=made.stdin, env=made.env)

    def _permissions(self, call: Call, target: Target, policy: ClientPolicy, log: Log) -> None:
        """smbclient shows the owner as a SID; for the name there is its sister program, rpcclient."""
        shown = self._run(call, target, _share(target, "showacls; ls"))
        process.judge(shown, _SHOW, policy, log)
        found = _OWNER.search(shown.result.stdout)
        if found is None:
            raise ClientFailed(
                "the descriptor was sent, but smbclient shows no owner", StepName.QUERY_SECURITY
            )
        asks = replace(call, command=process.program(target, self.image, _RPC))
        named = self._run(asks, target, [target.called, "-c", f"lookupsids {found[1]}"])
        process.judge(named, _NAME, policy, log)

    def _call(self, target: Target, policy: ClientPolicy) -> Call:
        """The options for a policy. Raises Unsupported for what smbclient has no setting for."""
        if not policy.ntlm:
            raise Unsupported("it logs on by NTLM alone here: the client with tickets is smbclient-kerberos")
        call = _call(self.image, target, policy)
        # Without this 4.22 asks the DNS for a KDC and waits 5 s (measured).
        return replace(call, options=(*call.options, *with_kerberos("off", call.version)))

    def _run(self, call: Call, target: Target, words: Sequence[str], stdin: str = "") -> Ran:
        return process.through_tap(self.name, lambda port: call.to(target, port, words, stdin), target)

    def by_hand(self, check: Check, target: Target, policy: ClientPolicy) -> tuple[str, ...]:
        call = self._call(target, policy)
        share = f"//{target.address}/{target.share}"
        what = {
            Check.BROWSE: ["-L", f"//{target.address}"],
            Check.BROWSE_CONNECTED: [share],
            Check.OPEN: [share, "-c", "ls"],
            Check.WRITE: [share, "-c", "put /etc/passwd by-hand.txt; get by-hand.txt -; del by-hand.txt"],
            Check.PERMISSIONS: [share, "-c", "showacls; ls"],
            Check.PRINT: [f"//{target.address}/{target.printer}", "-c", "print /etc/passwd"],
            Check.RENAME: [
                share,
                "-c",
                "put /etc/passwd by-hand.txt; rename by-hand.txt new; del new",
            ],
        }.get(check)
        if what is None:
            return ()
        words = ["smbclient", "-s", "/dev/null", *call.options, "-U", target.account]
        return (shlex.join([*words, *(() if target.password else ("-N",)), *what]),)

    def offer(self, policy: ClientPolicy, target: Target) -> Offer:
        call = self._call(target, policy)

        def start(address: str, port: int) -> Result:
            there = replace(target, address=address)
            invocation = call.to(there, port, _share(there, "ls"))
            return run(invocation.argv, timeout=5.0, env=invocation.env)

        return sink.observe(start)


def _share(target: Target, commands: str) -> list[str]:
    return [f"//{target.called}/{target.share}", "-c", commands]


def _call(image: str, target: Target, policy: ClientPolicy) -> Call:
    """The options for a policy, but for Kerberos."""
    if not policy.guest:
        raise Unsupported("smbclient has no setting to refuse guest sessions")
    command = process.program(target, image, _PROGRAM)
    lowest = policy.min_dialect
    if not policy.smb1 and lowest is Dialect.NT1:
        lowest = Dialect.SMB2_02
    if lowest.revision > policy.max_dialect.revision:
        raise Unsupported("this policy leaves smbclient no dialect")
    options = [
        f"--option=client min protocol={lowest.in_smb_conf}",
        f"--option=client max protocol={policy.max_dialect.in_smb_conf}",
    ]
    version = _version(process.version_of(command))
    if policy.require_signing:
        options.append("--option=client signing=required")
    if policy.require_encryption:
        # 4.15 renamed it (release notes, "Command line option changes").
        options.append("--client-protection=encrypt" if version >= (4, 15) else "--encrypt")
    return Call(command, tuple(options), version)


def with_kerberos(word: str, version: tuple[int, int]) -> tuple[str, ...]:
    """How a release is told whether to use Kerberos: off, desired or required. Those before 4.16 do not."""
    return (f"--option=client use kerberos={word}",) if version >= (4, 16) else ()


def _version(text: str) -> tuple[int, int]:
    found = re.search(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


CLIENTS = (
    Smbclient(),
    Smbclient("smbclient-4.13", "bullseye", "4.13"),
    Smbclient("smbclient-4.17", "bookworm", "4.17"),
    Smbclient("smbclient-4.25", "forky", "4.25"),
)
