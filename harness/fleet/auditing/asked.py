"""Which auditing a word asks for: samba-4.17, windows-server-2019, windows-7."""

from __future__ import annotations

import re
from typing import Final

from harness.errors import UsageError
from harness.fleet.auditing import samba, windows
from harness.fleet.auditing.audit import MOST_DAYS, USUAL_DAYS, Audit

_SAMBA: Final = re.compile(r"samba(?:[- ]?v?(\d{1,2})\.(\d{1,2})(?:\.\d+)?\S*)?")
_NEWEST: Final = {"windows": "11-24h2", "windows-server": "server-2025"}


def audit_of(word: str, days: int = USUAL_DAYS, conf: str = samba.CONF, logs: str = samba.LOGS) -> Audit:
    """What to run there. A word without a release is the newest that is known here.

    ``conf`` and ``logs`` are of Samba. Raises UsageError for what is neither, with what there is.
    """
    if not 1 <= days <= MOST_DAYS:
        raise UsageError(f"--days {days}: from 1 to {MOST_DAYS}")
    asked = word.strip().lower()
    if found := _SAMBA.fullmatch(asked):
        version = (int(found[1]), int(found[2])) if found[1] else samba.NEWEST
        return samba.audit(version, days, conf, logs)
    name = _NEWEST.get(asked, asked.removeprefix("windows-").removeprefix("windows "))
    if name in windows.RELEASES and asked.startswith("windows"):
        return windows.audit(windows.RELEASES[name], days)
    raise UsageError(
        f"{word!r} is no server whose auditing is known here",
        f"there are samba-3.0 to samba-4.25, and {', '.join(_windows())}",
    )


def _windows() -> list[str]:
    return [f"windows-{name}" for name in windows.RELEASES]
