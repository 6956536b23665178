"""Why one smbd of the local lab ended, or does not serve: what the machine lacks, or what its log says."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from harness.labs import server_internals
from harness.labs.home import Home
from harness.system import ended

ROOM: Final = 2**20
"""Bytes that a server needs for its databases and for what clients write."""
_ALARM: Final = re.compile(r"^\[[^\]]*, +0\][^\n]*\n +([^\n]+)", re.MULTILINE)
"""A message of level 0 in a Samba log: a head in brackets, then the words."""
_BY_THE_WAY: Final = ("smbd version", "reopen_one_log")
"""How messages of level 0 begin that every smbd of ours says (measured)."""
_NO_EFFECT: Final = "this machine's lack, no effect of a change"
_NOT_EXECUTED: Final = (126, 127)
"""Exit statuses of chroot(1) and unshare(1) where the program could not be started: they say why."""


class Trouble:
    """What can be told of the trouble of one server, each time that it was started."""

    def __init__(self, home: Home, log_file: Path, output: Path) -> None:
        """``output`` gets what it writes elsewhere than to ``log_file``."""
        self._home = home
        self._log_file = log_file
        self._files = (log_file, output)
        self._before: dict[Path, int] = {}
        self._looked_at: dict[Path, int] = {}
        self._lacked = ""

    def begin(self) -> None:
        """It is started now: what an earlier one said is no reason of this one."""
        self._before = self._looked_at = self._sizes()
        self._lacked = ""

    def _sizes(self) -> dict[Path, int]:
        return {path: path.stat().st_size if path.exists() else 0 for path in self._files}

    def log_size(self) -> int:
        """Bytes of its log by now."""
        return self._log_file.stat().st_size if self._log_file.exists() else 0

    def why_not_served(self, before: int) -> str:
        """What the log says, after so many bytes, of why the share is not served; and where the log is."""
        log = self._log_file.read_bytes() if self._log_file.exists() else b""
        said = log[before:].decode(errors="replace")
        return server_internals.shortage(said) or self._quoted(server_internals.reason(said, ended=False))

    def why_ended(self, status: int) -> str:
        """Why it ended with this status: what the machine had too little of, or what its log says.

        "" where others ended it.
        """
        if ended.by_others(status):
            return ""
        if self.disk_is_full():
            return f"the disk below {self._home.folder} is full: make room or choose --runs"
        said = self._said()
        if short := server_internals.shortage(said):
            return f"{short}; {_NO_EFFECT}"
        alarms = [text for text in _ALARM.findall(said) if not text.startswith(_BY_THE_WAY)]
        last = said.strip().rpartition("\n")[2] if status in _NOT_EXECUTED else ""
        return self._quoted(server_internals.reason(said, ended=True) or last or "".join(alarms[-1:]))

    def lacked(self) -> str:
        """See ``TellsOfLack``. It is asked at each refusal, and reads what was written since."""
        if not self._lacked:
            before, self._looked_at = self._looked_at, self._sizes()
            # Several threads ask: whoever finds nothing takes back nothing that another has found.
            if lack := server_internals.lack(self._said(before)):
                self._lacked = f"{lack}; {_NO_EFFECT}"
        return self._lacked

    def disk_is_full(self) -> bool:
        """There is no ``ROOM``: a server refuses what it would otherwise allow, by all kinds of statuses."""
        return shutil.disk_usage(self._home.outside).free < ROOM

    def _said(self, since: Mapping[Path, int] | None = None) -> str:
        """What its log, and then its output, got since it was started, or beyond so many bytes of each."""
        text = ""
        for path, before in (self._before if since is None else since).items():
            if path.exists():
                with path.open("rb") as file:
                    file.seek(before if before <= path.stat().st_size else 0)
                    text += file.read().decode(errors="replace")
        return text

    def _quoted(self, line: str) -> str:
        kept = self._home.evidence / self._home.name / self._log_file.name
        return f"its log says: {line} ({kept})" if line else f"its log is {kept}"
