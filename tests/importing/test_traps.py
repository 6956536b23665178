"""A smb.conf full of traps starts nothing and touches nothing: all calls of import and lab are traced.

What it shows: with every parameter of the release that is not allowed set to a trap, in every spelling, in
[global], in shares and in an included file, no process of the import, of testparm or of the server and its
helpers named a trap to the kernel, ran a program but those of the lab, wrote outside of the lab's own folder,
or connected to anybody but the lab. It shows so for what is done here with the shares, on one release; that
the other releases get no other parameters is what test_allowed.py shows.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from commandline import users
from trapped import CONTROL, TRAP

from harness.importing.judge import ImageJudge
from harness.labs import namespace
from harness.servers.allowed import is_typed, refusal
from harness.system.process import run

pytestmark = pytest.mark.local_lab

IMAGE = "trixie"
OUTSIDE = "192.0.2.77"
"""Somebody who is not in the lab (RFC 5737)."""
LEFT_OUT = frozenset(
    {"server role", "security", "path", "directory", "include", "copy", "-valid", "config file"}
)
"""What cannot be set to a trap, or has one of its own below."""
SPECIAL = f"""
include = /mnt/trap/include.conf
include = {{folder}}/trap/include.conf
config file = /mnt/trap/include.%a.conf
include = registry
registry shares = yes
root preexec = {TRAP} root-preexec
passdb backend = ldapsam:ldap://{OUTSIDE}
vfs objects = /mnt/trap/module.so ../../../../mnt/trap/module recycle:/mnt/trap/x
idmap config * : backend = script
idmap config * : script = {TRAP} idmap
rpc_server:spoolss = external
rpc_daemon:spoolssd = fork
recycle:repository = /mnt/trap/recycle
full_audit:prefix = /mnt/trap/audit
streams_depot:directory = /mnt/trap/streams
xattr_tdb:file = /mnt/trap/xattr.tdb
unix charset = /mnt/trap/charset
dos charset = /mnt/trap/charset
wins server = {OUTSIDE}
hosts allow = trap.example.test, {OUTSIDE}
comment = {TRAP} %$(HOME)
printer name = x'; {TRAP} printer; '
"""
RUNS = re.compile(
    r"(python[\d.]*|setpriv|chroot|unshare|mount|testparm|smbd|smbcontrol|smbclient|samba-dcerpcd|rpcd_\w+)"
)
CHANGES = (
    *("creat", "mkdir", "mkdirat", "rename", "renameat", "renameat2", "link", "linkat", "symlink"),
    *("symlinkat", "unlink", "unlinkat", "rmdir", "truncate"),
)


@dataclass(frozen=True)
class Call:
    """One call of the kernel."""

    inside: bool
    """By a process that has an image for its root directory."""
    name: str
    said: str
    """Its arguments, and what came of it."""


def calls(trace: str) -> Iterator[Call]:
    """The calls of a trace; one that another came into is put together again."""
    begun: dict[str, str] = {}
    lines: list[tuple[str, str]] = []
    for line in trace.splitlines():
        pid, _, said = line.partition(" ")
        said = said.strip()
        if said.endswith("<unfinished ...>"):
            begun[pid] = said.removesuffix("<unfinished ...>")
        else:
            lines.append((pid, begun.pop(pid, "") + re.sub(r"^<\.\.\. \w+ resumed>", "", said)))
    lines += begun.items()
    # A child's first call may stand before the one that made it.
    parents = {
        child[1]: pid for pid, said in lines if (child := re.match(r"(?:clone3?|v?fork)\(.*= (\d+)$", said))
    }
    inside: set[str] = set()
    for pid, said in lines:
        if said.startswith("chroot(") and said.endswith("= 0"):
            inside.add(pid)
        family = [pid]
        while family[-1] in parents:
            family.append(parents[family[-1]])
        name, _, rest = said.partition("(")
        yield Call(not inside.isdisjoint(family), name, rest)


def spellings(name: str, number: int) -> str:
    """One of the ways in which Samba takes a name."""
    wide = name.replace(" ", "  \t") if " " in name else f" {name} "
    ways = (name, name.upper(), name.replace(" ", ""), wide, f"{name[:2]}\\\n{name[2:]}")
    return ways[number % len(ways)]


def traps(judge: ImageJudge) -> list[tuple[str, str]]:
    """Every parameter of the release that is not allowed, and a value that would be seen to do something.

    Without words of a fixed list: Samba loads no file that has another one, and the import refuses it.
    """
    argv = namespace.in_image(judge.root, ["/usr/bin/testparm", "--show-all-parameters"])
    said = run(argv, timeout=60).check("testparm").stdout
    found = re.findall(r"^([^=\n\[]+)=P_(\w+),", said, re.MULTILINE)
    return [
        (name, value)
        for name, kind in found
        for value in [
            {"BOOL": "yes", "BOOLREV": "yes", "INTEGER": "1"}.get(kind, f"{TRAP} {name.replace(' ', '-')}")
        ]
        if name not in LEFT_OUT and refusal(name, value)
        if not (is_typed(name) and value.startswith(TRAP))
    ]


@pytest.fixture
def conf(tmp_path: Path, judges: object) -> Path:
    """The trapped configuration, and what the traps would start or read."""
    assert callable(judges)
    trap = tmp_path / "lab" / "state" / "trap"
    trap.mkdir(parents=True)
    script = trap / "run.sh"
    script.write_text('#!/bin/sh\n: >"/mnt/trap/ran-$1"\n')
    (trap / "include.conf").write_text("[from-the-trap]\nguest ok = yes\n")
    for path in (trap, script, *(tmp_path, tmp_path / "lab", tmp_path / "lab" / "state")):
        path.chmod(0o777)
    lines = traps(judges(IMAGE))
    assert len(lines) > 250
    text = [f"{spellings(name, number)} = {value}" for number, (name, value) in enumerate(lines)]
    special = SPECIAL.replace("{folder}", str(tmp_path / "lab" / "state"))
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "more.conf").write_text("\r\n".join(["[b]", "path = /mnt/trap/b", *text, special]))
    body = "\n".join([*text, special])
    main = folder / "smb.conf"
    main.write_text(
        f"[global]\nmap to guest = Bad User\n{body}\n[a]\npath = /mnt/trap/a\nread only = no\n{body}\n"
        f"include = /etc/samba/more.conf\nread only = no\n[homes]\n{body}\nvalid users = %S\n"
        '[lists]\nvalid users = anna @"`/mnt/trap/run.sh people`" +staff\n'
    )
    return main


def test_a_configuration_full_of_traps_starts_and_touches_nothing(conf: Path, tmp_path: Path) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("needs strace: apt-get install strace")
    if not run([strace, "-qq", "-o", str(tmp_path / "may"), "true"], timeout=60).ok:
        pytest.skip("nothing may be traced here: ptrace(2) is refused")
    log = tmp_path / "trace"
    traced = [
        strace,
        "-f",
        "-qq",
        "-s",
        "400",
        "-e",
        "trace=%file,%process,connect,chroot",
        "-e",
        "signal=none",
    ]
    script = Path(__file__).parent.parent / "trapped.py"
    env = {**users(), "PYTHONPATH": f"{Path.cwd()}:{script.parent}", "PYTHONDONTWRITEBYTECODE": "1"}
    argv = [*traced, "-o", str(log), sys.executable, str(script), str(conf), str(tmp_path / "lab"), IMAGE]
    run(argv, timeout=300, env=env).check("the import and its lab")
    trace = log.read_text(errors="replace")
    before, control, after = trace.partition(CONTROL)
    assert control
    found = [*calls(before)]
    assert len([one for one in found if one.inside]) > 1000

    # The traps are not named to the kernel at all. One that the lab itself sets is, and is seen: smbd
    # runs it by a shell, which images have not.
    assert [one for one in found if re.search(r'"[^"]*/trap[/"]', one.said)] == []
    assert re.search(rf'execve\("/bin/sh", \["sh", "-c", "{TRAP} control"', after)
    assert [*(tmp_path / "lab/state/trap").glob("ran-*")] == []
    # Nothing runs but the lab's own programs.
    ran = {
        match[1]
        for one in found
        if one.name == "execve" and (match := re.match(r'"(?:[^"]*/)?([^"/]+)"', one.said))
    }
    assert {name for name in ran if not RUNS.fullmatch(name)} == set()
    # Nothing is written but in the lab's folder; an image has it at /mnt.
    written = {
        (one.inside, path)
        for one in found
        if one.name in CHANGES
        or (one.name.startswith("open") and re.search(r"O_(?:WRONLY|RDWR|CREAT)", one.said))
        if not re.search(r"= -1 E\w+ \(.*\)$", one.said)
        for path in re.findall(r'"(/[^"]*)"', one.said)
    }
    own = (
        re.compile(r"/mnt/|/dev/(?:null|tty)|/proc/"),
        re.compile(rf"{re.escape(str(tmp_path))}/|/dev/|/proc/"),
    )
    assert {one for one in written if not own[not one[0]].match(one[1])} == set()
    # Nobody is talked to but by the lab's addresses and sockets.
    sockets = {
        (one.inside, match[1])
        for one in found
        if one.name == "connect" and (match := re.search(r'sun_path=@?"([^"]*)"', one.said))
        if not re.search(r"= -1 E\w+ \(.*\)$", one.said)
    }
    assert {one for one in sockets if not one[1].startswith("/mnt/")} == set()
    hosts = {
        match[1]
        for one in found
        if one.name == "connect" and (match := re.search(r'inet6?_(?:addr|pton)\([^"]*"([^"]+)"', one.said))
    }
    assert {host for host in hosts if not host.startswith("127.")} == set()
