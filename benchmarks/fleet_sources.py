"""Half a million lines of each source of the fleet: how long does an import take, and how much memory?

    python -m benchmarks.fleet_sources --lines 500000

Of each kind a file is written, read line by line without looking at it (which is the unit), and then by the
whole command `rehearse fleet import` into a fleet of its own. Printed are the command's seconds of processor
time, how many times the bare reading that is, and the most memory that any command so far had resident.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from harness.fleet.forms import text
from harness.fleet.reading import Tally
from harness.system import environment
from harness.system.process import run

_CHUNK: Final = 64 * 1024
MACHINES: Final = 10_000
_RULE: Final = "-" * 100


def main(argv: Sequence[str]) -> int:
    """Prints one line a kind."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet_sources", description=__doc__)
    parser.add_argument("--lines", type=int, default=500_000)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        for name, lines in SOURCES.items():
            path = Path(folder) / name
            with path.open("w", encoding="utf-8") as file:
                file.writelines(lines(options.lines))
            bare = _seconds(text.lines(_chunks(path), "utf-8", Tally()))
            seconds, said = _imported(path, Path(folder) / "state")
            print(
                f"{name}: {seconds:.1f} s, {seconds / bare:.0f} times the reading ({bare:.2f} s); "
                f"peak memory {_peak():.0f} MiB; {said}"
            )
            path.unlink()
    return 0


def _imported(path: Path, state: Path) -> tuple[float, str]:
    """CPU seconds of the command, and the first line of what it says."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    env = {
        **environment.tools(),
        **environment.ours(),
        "XDG_STATE_HOME": str(state / path.name),
        "COLUMNS": "200",
    }
    done = run([sys.executable, "-m", "harness", "fleet", "import", str(path)], timeout=3600, env=env)
    done.check("rehearse fleet import")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return seconds, done.stdout.partition("\n")[0].removeprefix(f"{path} ")


def _address(number: int) -> str:
    machine = number % MACHINES
    return f"10.0.{machine >> 8}.{machine & 255}"


def _sessions(count: int) -> Iterator[str]:
    yield "Samba version 4.22.1\nPID  Username  Group  Machine  Protocol Version  Encryption  Signing\n"
    yield f"{_RULE}\n"
    for number in range(count):
        at = _address(number)
        yield f"{number}  ann  Domain Users  {at} (ipv4:{at}:{number % 60000})  SMB3_11  -  AES-128-GMAC\n"


def _sessions_json(count: int) -> Iterator[str]:
    # As smbstatus writes them, with indentation: 25 lines a session.
    yield '{\n  "timestamp": "2026-05-01T10:00:00+0200",\n  "version": "4.22.1",\n'
    yield '  "smb_conf": "/etc/smb.conf",\n  "sessions": {\n'
    for number in range(count // 25):
        at = _address(number)
        session = {
            "session_id": str(number),
            "server_id": {"pid": str(number), "task_id": "0", "vnn": "4294967295", "unique_id": "107567149"},
            "uid": 1000,
            "gid": 1000,
            "username": "ann",
            "groupname": "staff",
            "remote_machine": at,
            "hostname": f"ipv4:{at}:{number % 60000}",
            "session_dialect": "SMB3_11",
            "encryption": {"cipher": "", "degree": "none"},
            "signing": {"cipher": "AES-128-GMAC", "degree": "partial"},
        }
        text = f'"{number}": {json.dumps(session, indent=2)}{"," if number + 1 < count // 25 else ""}\n'
        yield from text.replace("\n", "\n    ").splitlines(keepends=True)
    yield "  }\n}\n"


def _shares(count: int) -> Iterator[str]:
    yield f"Service  pid  Machine  Connected at  Encryption  Signing\n{_RULE}\n"
    for number in range(count):
        date = f"May {number % 31 + 1:2} {number % 24:02}:{number // 24 % 60:02}:{number % 60:02} 2026 CEST"
        yield f"team share  {number}  {_address(number)}  Sun {date} -  -\n"


def _log(count: int) -> Iterator[str]:
    for number in range(count // 6):
        heading = (
            f"[2026/11/29 {number % 24:02}:00:{number % 60:02}.306583,  3, pid={number % 900}] a.c:1(f)\n"
        )
        at = _address(number)
        for said in (f"Allowed connection from {at} ({at})", "init_oplocks: initializing messages.",
                     "Selected protocol SMB3_11"):  # fmt: skip
            yield f"{heading}  {said}\n"


def _audit(count: int) -> Iterator[str]:
    for number in range(count):
        yield (
            f"2026-11-29T{number % 24:02}:00:{number % 60:02}+01:00 nas smbd_audit[7]: "
            f"ann|{_address(number)}|pc{number % MACHINES}|share|SMB3_11|openat|ok|r|a file\n"
        )


def _windows_csv(count: int) -> Iterator[str]:
    yield '"ClientComputerName","Dialect"\n'
    for number in range(count):
        yield f'"{_address(number)}","3.1.1"\n'


def _windows_table(count: int) -> Iterator[str]:
    yield "SessionId ClientComputerName ClientUserName NumOpens\n"
    yield "--------- ------------------ -------------- --------\n"
    for number in range(count):
        yield f"{number:<9} {_address(number):<18} EXAMPLE\\ann           1\n"


def _events_xml(count: int) -> Iterator[str]:
    for number in range(count):
        yield (
            "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider "
            "Name='Microsoft-Windows-SMBServer'/><EventID>3000</EventID><TimeCreated "
            f"SystemTime='2025-10-01T{number % 24:02}:00:00.1234567Z'/>"
            "<Channel>Microsoft-Windows-SMBServer/Audit</Channel><Computer>FS01</Computer></System>"
            "<EventData><Data Name='ClientName'>"
            f"{_address(number)}</Data></EventData></Event>\n"
        )


def _events_text(count: int) -> Iterator[str]:
    for number in range(count // 8):
        yield (
            "Log Name:      Microsoft-Windows-SMBServer/Audit\nSource:        Microsoft-Windows-SMBServer\n"
            f"Date:          12/13/2019 {number % 12 + 1}:37:53 AM\nEvent ID:      3000\nDescription:\n"
            f"SMB1 access\n\nClient Address: {_address(number)}\n"
        )


def _netexec(count: int) -> Iterator[str]:
    for number in range(count):
        yield (
            f"SMB  {_address(number)}  445  PC  [*] Windows Server 2022 Build 20348 x64 "
            f"(name:PC{number % MACHINES}) (domain:example.test) (signing:False) (SMBv1:None)\n"
        )


def _clients(count: int) -> Iterator[str]:
    yield "client,count\n"
    for number in range(count):
        yield f"kind {number % 500},1\n"


def _assets(count: int) -> Iterator[str]:
    yield "hostname,ip,manufacturer,model,os\n"
    for number in range(count):
        yield f"ws{number % MACHINES},{_address(number)},Dell,OptiPlex {number % 90},Windows 10\n"


SOURCES: Final[dict[str, Callable[[int], Iterator[str]]]] = {
    "sessions": _sessions,
    "sessions.json": _sessions_json,
    "shares": _shares,
    "log.smbd": _log,
    "audit": _audit,
    "windows.csv": _windows_csv,
    "windows.txt": _windows_table,
    "events.xml": _events_xml,
    "events.txt": _events_text,
    "netexec": _netexec,
    "clients.csv": _clients,
    "assets.csv": _assets,
}


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk


def _seconds(things: Iterable[object]) -> float:
    """Of processor time that it takes to get them all: others may use the machine, too."""
    begun = time.process_time()
    for _ in things:
        pass
    return time.process_time() - begun


def _peak() -> float:
    """The most memory that a command had resident, MiB."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
