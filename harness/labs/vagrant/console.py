"""What a Linux guest says on its console: how it died, or why it hangs."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

_ALARM = re.compile(
    r"Kernel panic - not syncing|\bOops:|BUG: |general protection fault|kernel BUG at"
    r"|Unable to handle kernel|Out of memory: Kill|EXT4-fs error|I/O error, dev|detected stall"
)
"""What the kernel writes when it, or a part of it, has come to its end (kernel/panic.c, mm/oom_kill.c, …)."""
_STAMP = re.compile(r"^\s*(<\d+>)?\s*\[ *\d+\.\d+\]\s*")


def alarms(text: str) -> list[str]:
    """The lines of a kernel log that tell of an oops, a panic or the like; without time stamps, each once."""
    found = (_STAMP.sub("", line).strip() for line in text.splitlines() if _ALARM.search(line))
    return list(dict.fromkeys(found))


def read(path: Path) -> str:
    """What a guest has said so far; "" where it has no console file."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def keep(path: Path) -> None:
    """Add what a console file says to what was kept of it before: its writer is about to begin it anew."""
    said = read(path)
    if said:
        # A full disk takes no evidence, and is told by what fails next.
        with suppress(OSError), _kept(path).open("a") as file:
            file.write(said)


def everything(path: Path) -> str:
    """What was kept of a console file, and what it says now."""
    return read(_kept(path)) + read(path)


def _kept(path: Path) -> Path:
    return path.with_suffix(".before")


def last_words(text: str) -> str:
    """The last line that says something, without control characters; "" for none."""
    clean = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]", "", text)
    lines = [line.strip() for line in clean.splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""
