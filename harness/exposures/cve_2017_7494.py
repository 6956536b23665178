"""CVE-2017-7494 (SambaCry): a module is loaded by the name of a pipe.

Judged from within alone, never by loading anything: on a fixed and on an unfixed server the wire answers
the same to every harmless request.
"""

from __future__ import annotations

from harness.exposures import known_holes
from harness.exposures._versions import parts
from harness.exposures.base import Exposure, Subject, closed, not_exposed, opened, unknown
from harness.exposures.known_holes import KnownHole, Need
from harness.model import Hole, Sighting
from harness.servers.live import ServerInternals

HOLE = KnownHole(
    name="cve-2017-7494",
    title="CVE-2017-7494: whoever may write a file can have the server run it (SambaCry)",
    platform="samba",
    cve="CVE-2017-7494",
    affected=(">=3.5.0 <4.4.14", ">=4.5.0 <4.5.10", ">=4.6.0 <4.6.4"),
    needs=(
        Need(text="a share that can be written to", where="share", parameter=("read only",), equals=("no",)),
        Need(text="pipe support", parameter=("nt pipe support",), equals=("yes",)),
    ),
    source="Samba security advisory CVE-2017-7494 (24 May 2017); SUSE-SU-2017:1391-1; CERT.be 2017-003",
)
_GUARD = "Refusing open on pipe"


class SambaCry(Exposure):
    name = HOLE.name
    title = HOLE.title
    wire = False
    sends = (
        "nothing: reads package version and changelog, and the four conditions: a writable share, pipes on, "
        "a file system that programs run from, no confinement; and the log for the guard's line"
    )
    safe = "nothing is sent, and nothing is ever loaded"
    source = HOLE.source

    def probe(self, subject: Subject) -> Sighting:
        if other := subject.elsewhere(HOLE.platform):
            return not_exposed(f"the hole is in Samba, and this is {other}")
        inside = subject.inside
        if inside is None:
            return unknown(known_holes.ONLY_WIRE)
        return _with_guard(_decide(inside), inside)


def _decide(inside: ServerInternals) -> Sighting:
    told = known_holes.judge(HOLE, inside)
    if told.state in (Hole.CLOSED, Hole.NOT_EXPOSED):
        return told
    if inside.confined:
        return not_exposed(f"smbd is confined, so it can load nothing from a share ({inside.confinement})")
    writable = [share for share in inside.shares if share.settings.get("read only", "yes").lower() == "no"]
    if writable and all("noexec" in share.mount for share in writable):
        return not_exposed("every writable share is on a file system that is mounted noexec")
    if told.state is not Hole.OPEN:
        return told
    if inside.confined is None:
        return unknown(f"{told.evidence}; what smbd may load is not known ({inside.confinement})")
    runs = [share.name for share in writable if share.mount and "noexec" not in share.mount]
    if not runs:
        return unknown(f"{told.evidence}; whether programs run from its file system is not known")
    where = ", ".join(runs)
    return opened(f"{told.evidence}; {where} is not mounted noexec; not confined ({inside.confinement})")


def _with_guard(told: Sighting, inside: ServerInternals) -> Sighting:
    guard = next((line for line in inside.log if _GUARD in line), "")
    if not guard or inside.emulates:
        return told
    # 4.4.14 to 4.15 log it; later ones have no such path, and no such line.
    return (
        closed(f"{told.evidence}; its log has the guard's line: {guard}") if parts(inside.version) else told
    )


EXPOSURES = (SambaCry(),)
