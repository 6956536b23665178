"""Auditing on Samba, by its release: smb.conf(5), smbcontrol(1), smbstatus(1).

The lines go into a [global] of their own at the end of smb.conf, for smb.conf(5) takes the last where one
parameter stands twice; they stand between two marks, by which they are taken out again. smbd reads them when
it is told to, so that nobody is cut off; a session that exists is logged from then on.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from shlex import quote
from typing import Final

from harness.errors import UsageError
from harness.fleet.auditing.audit import USUAL_DAYS, Audit, Export, Step

CONF: Final = "/etc/samba/smb.conf"
LOGS: Final = "/var/log/samba"
NEWEST: Final = (4, 25)
OLDEST: Final = (3, 0)
JSON_STATUS: Final = (4, 17)
"""smbstatus --json: WHATSNEW of 4.17.0."""
JSON_LOGONS: Final = (4, 7)
"""The class auth_json_audit: WHATSNEW of 4.7.0."""
DIALECT_STATUS: Final = (4, 2)
"""smbstatus shows "Protocol Version" from there on."""
_BEGIN, _END = "# rehearse fleet audit: begin", "# rehearse fleet audit: end"


def audit(version: tuple[int, int], days: int = USUAL_DAYS, conf: str = CONF, logs: str = LOGS) -> Audit:
    """For a Samba of that release. ``conf``: its smb.conf; ``logs``: the folder of its logs.

    Raises UsageError for a release from before 3.0, and for paths that are not absolute.
    """
    if version < OLDEST:
        raise UsageError(f"Samba {_shown(version)} is older than 3.0, which is the oldest that is known here")
    for path in (conf, logs):
        if not PurePosixPath(path).is_absolute() or "\n" in path:
            raise UsageError(f"{path!r}: write the whole path, from / on")
    option = "" if conf == CONF else f" -s {quote(conf)}"
    return Audit(
        f"Samba {_shown(version)}",
        "sh",
        days,
        (_configure(version, conf, option), _snapshots(version, logs, option)),
        _exports(version, logs, option),
        _off(conf, logs, option),
        _cannot(version),
    )


def lines(version: tuple[int, int]) -> tuple[str, ...]:
    """Of [global] in smb.conf(5): what smbd is to log."""
    logons = " auth_json_audit:3" if version >= JSON_LOGONS else ""
    return (f"log level = 3{logons}", "debug pid = yes", "max log size = 0")


def _shown(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


def _configure(version: tuple[int, int], conf: str, option: str) -> Step:
    text = "".join(f"   {line}\n" for line in lines(version))
    where = quote(conf)
    return Step(
        "Have smbd log each dialect and logon",
        (
            f"cp -p {where} {quote(conf + '.before-audit')}",
            f"cat >> {where} <<'EOF'\n\n{_BEGIN}\n[global]\n{text}{_END}\nEOF",
            f"testparm -s {where} > /dev/null",
            f"smbcontrol{option} smbd reload-config",
        ),
        "Level 3 writes about 100 lines a connection, and max log size = 0 lets the log grow: watch the "
        "disk, and have logrotate keep what it rotates. Where testparm complains, copy the file back. Where "
        "the configuration is in the registry, set the three with net conf setparm global.",
    )


def _snapshots(version: tuple[int, int], logs: str, option: str) -> Step:
    folder, status, ending = f"{logs}/fleet", _status(version, option), _ending(version)
    return Step(
        "Write down who is connected each quarter of an hour",
        (
            f"mkdir -p {quote(folder)}",
            f"{status} > {quote(folder)}/now.{ending}",
            "cat > /etc/cron.d/rehearse-fleet-audit <<'EOF'\n"
            f"*/15 * * * * root {status} > {quote(folder)}/$(date +\\%F-\\%H\\%M).{ending}\nEOF",
        ),
        "The second command does so at once. A client that comes and goes between two of them is in the log "
        "alone.",
    )


def _status(version: tuple[int, int], option: str) -> str:
    return f"smbstatus{option}" + (" --json" if version >= JSON_STATUS else "")


def _ending(version: tuple[int, int]) -> str:
    return "json" if version >= JSON_STATUS else "txt"


def _exports(version: tuple[int, int], logs: str, option: str) -> tuple[Export, ...]:
    logons = "dialect offered and chosen"
    logons += ", how it logged on and NTLMv1, last seen" if version >= JSON_LOGONS else ", last seen"
    dialect = "dialect, " if version >= DIALECT_STATUS else ""
    signing = "signing, encryption, " if version >= (4, 4) else ""
    kind = "smbstatus-json" if version >= JSON_STATUS else "smbstatus"
    last = f"{quote(logs)}/fleet/last.{_ending(version)}"
    return (
        Export(
            Step("See once more who is connected", (f"{_status(version, option)} > {last}",)),
            kind,
            f"{dialect}{signing}address and name",
        ),
        Export(
            Step(
                "Find the log, and pack it with the snapshots",
                (
                    f"testparm{option.replace(' -s', '')} -s --parameter-name='log file' 2> /dev/null",
                    f"tar -C {quote(logs)} -czf /root/samba-audit.tgz .",
                ),
                f"If the first command does not show a file in {logs}, pack the folder that it shows. Unpack "
                "where rehearse runs, and: rehearse fleet import FILE...",
            ),
            "smbd-log",
            logons,
        ),
    )


def _off(conf: str, logs: str, option: str) -> tuple[Step, ...]:
    where = quote(conf)
    return (
        Step(
            "Take the lines out again",
            (
                f"sed -i '/^{_BEGIN}$/,/^{_END}$/d' {where}",
                f"testparm -s {where} > /dev/null",
                f"smbcontrol{option} smbd reload-config",
            ),
            "What was changed in smb.conf in the meantime stays.",
        ),
        Step(
            "Stop the snapshots",
            ("rm -f /etc/cron.d/rehearse-fleet-audit",),
            f"Logs and snapshots stay in {logs}: they name users, so remove them once they are imported.",
        ),
    )


def _cannot(version: tuple[int, int]) -> tuple[str, ...]:
    found = []
    if version < DIALECT_STATUS:
        found.append("smbstatus of this release shows no dialect: it is in the log alone.")
    if version < JSON_LOGONS:
        found.append(
            "This release has no audit log of logons (4.7 and later have): NTLMv1 is told apart from NTLMv2 "
            "only where its log says so. On a domain member the domain controller's log has it."
        )
    found.append(
        "It does not tell whether a client could sign or encrypt that does not. That is what a rehearsal is "
        "for: rehearse run --fleet"
    )
    return tuple(found)
