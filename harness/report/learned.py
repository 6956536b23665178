"""What ``rehearse learn`` tells, on a terminal and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from rich.console import Console

from harness.learn.hosts import Host
from harness.learn.matching import RECOGNISED, Difference
from harness.learn.observe import Contact, Logon
from harness.learn.persona import when_of
from harness.learn.study import Client, Study, kinds
from harness.model import CLOSED, RESET, Outcome, Phase
from harness.report import learned_kerberos
from harness.report.json_text import dump
from harness.report.labels import Labels
from harness.report.page import INDENT, Page
from harness.result import CellResult, RunResult
from harness.smb.tap.fingerprint import AV_OF_CLIENTS, ProofFingerprint
from harness.system.plain import many

SCHEMA = 1
ENDED = {
    RESET: "the server reset the connection and said nothing",
    CLOSED: "the server closed the connection and said nothing",
}
_HEXADECIMAL = ("flags", "flags2", "capabilities", "security_mode", "tid", "pid")


def render(study: Study, written: Mapping[str, Path], console: Console) -> None:
    """Print it; ``written`` says where the personas were written, by name."""
    page = Page(console)
    names = ", ".join(notes.name for notes in study.captures)
    times = [notes.first for notes in study.captures if notes.first is not None]
    when = f", {when_of(min(times))}" if times else ""
    page.heading(
        page.text(
            f"{names}: {many(len(study.clients), 'client')} on {many(len(study.hosts), 'host')}{when}",
            "bold",
        )
    )
    for line in study.missing:
        page.hanging(page.text(line), first=page.text("partial: ", "yellow"), indent=0, deeper=INDENT)
    for host in study.hosts:
        page.blank()
        _host(page, study, host, written)


def _host(page: Page, study: Study, host: Host, written: Mapping[str, Path]) -> None:
    page.hanging(page.text(host.address, "bold"), indent=0)
    for (kind, ports), count in kinds(host.contacts.items()).items():
        numbers = ", ".join(map(str, ports))
        page.hanging(page.text(f"{count} x {kind}, port {numbers}"), first=page.text("connections: ", "dim"))
    for how, words in ENDED.items():
        count = sum(count for contact, count in host.contacts.items() if contact.ended == how)
        if count:
            page.hanging(page.text(f"{words} ({count} x)"), first=page.text("answered: ", "dim"))
    missing = dict.fromkeys(line for contact in host.contacts for line in contact.missing)
    if missing:
        page.hanging(
            page.text(", ".join(missing)), first=page.text("not in the capture: ", "yellow"), deeper=INDENT
        )
    for exchange in host.exchanges:
        page.hanging(
            page.text(learned_kerberos.asked(exchange)),
            first=page.text("asked a KDC: ", "dim"),
            deeper=INDENT,
        )
    clients = list(study.of(host))
    for number, client in enumerate(clients, 1):
        if len(clients) > 1:
            page.hanging(page.text(f"client {number} of {len(clients)}", "bold"))
        for name, value in _sheet(client, written):
            page.hanging(page.text(value), first=page.text(f"{name}: ", "dim"), deeper=INDENT)


def _sheet(client: Client, written: Mapping[str, Path]) -> Iterable[tuple[str, str]]:
    fields = client.facts.fields
    smb1, smb2 = fields.get("smb1_negotiate.dialects"), fields.get("smb2_negotiate.dialects")
    if isinstance(smb1, list):
        yield "SMB1 strings", ", ".join(smb1)
    if isinstance(smb2, list):
        yield "SMB2 dialects", ", ".join(smb2)
    for context in _list(fields.get("smb2_negotiate.contexts")):
        yield "SMB2 context", f"{context['kind']} {', '.join(context.get('algorithms', []))}".strip()
    contacts = client.software.contacts
    chosen = dict.fromkeys(contact.chosen for contact in contacts if contact.chosen)
    if chosen:
        yield "chosen by servers", ", ".join(chosen)
    for line in dict.fromkeys(map(told, logons(contacts))):
        yield "logon", line
    yield "signing", signing(client)
    opened = dict.fromkeys(name for contact in contacts for name in contact.opened)
    if opened:
        yield "opened", ", ".join(opened)
    if client.tool:
        yield "known as", f"{client.tool.name} [{client.tool.source}]"
    if client.like:
        nearest = client.like[0]
        name = nearest.persona.data.name
        if client.recognised:
            when = f", when {nearest.when}" if nearest.when else ""
            yield "most like", f"{name} ({nearest.alike:.0%} of what was seen){when}"
        else:
            why = "" if client.tool else f", less than {RECOGNISED:.0%}"
            yield "like none of ours", f"the nearest is {name} ({nearest.alike:.0%} of what was seen{why})"
        if client.equally:
            yield "equally like", ", ".join(client.equally)
        for difference in nearest.differences:
            yield (
                "differs",
                f"{difference.field}: {shown(difference, 'seen')}, there {shown(difference, 'persona')}",
            )
    if client.learned:
        inferred = ", ".join(client.learned.inferred)
        yield "inferred", f"as there: {inferred}" if client.recognised else f"nothing: assumed are {inferred}"
        if client.learned.name in written:
            yield "written", str(written[client.learned.name])
    if client.why_not:
        yield "no persona", client.why_not
    for note in client.facts.notes:
        yield "note", note


def _list(value: object) -> list[dict[str, list[str]]]:
    return value if isinstance(value, list) else []


def logons(contacts: Iterable[Contact]) -> Iterable[Logon]:
    """All logons of all connections."""
    return (logon for contact in contacts for logon in contact.logons)


def told(logon: Logon) -> str:
    """A logon in words; nothing of who it was and how it was proven."""
    if logon.stopped:
        return "stopped after the first NTLM message (a probe, or the capture ends; no failed logon)"
    message = logon.session.ntlm
    how = ""
    if message:
        version = f", version {'.'.join(map(str, message.version))} claimed" if message.version else ""
        how = f", flags {message.flags:#010x}{version}, {'without' if message.bare else 'in'} SPNEGO"
    guest = " as guest" if logon.guest else ""
    ended = {"": ", answer not seen", "STATUS_SUCCESS": f", accepted{guest}"}.get(
        logon.result, f", {logon.result}"
    )
    return f"{logon.kind}{learned_kerberos.logon(logon)}{how}{_proof(logon)}{ended}"


def _proof(logon: Logon) -> str:
    """What of an NTLMv2 response tells kinds of client apart; numbers as in [MS-NLMP] 2.2.2.1."""
    if logon.proof is None:
        return ""
    own = ", ".join(_pair(number, logon.proof) for number in logon.proof.own_pairs)
    return f", {'with' if logon.proof.mic else 'without'} a MIC, AV pairs of its own: {own or 'none'}"


def _pair(number: int, proof: ProofFingerprint) -> str:
    """An AV pair of the client's; of the service principal name that a server can check its form."""
    told = {9: f" {proof.target}", 10: "" if proof.bound else " of zeros"}.get(number, "")
    return f"{AV_OF_CLIENTS[number]}{told} ({number})"


def signing(client: Client) -> str:
    """Whether it requires signing, by its SMB2 NEGOTIATE alone; and whether it signed."""
    required = {True: "required by the client", False: "not required by the client"}.get(
        bool(client.facts.fields["policy.require_signing"])
        if "policy.require_signing" in client.facts.fields
        else None,  # type: ignore[arg-type]
        "whether the client requires it cannot be told from SMB1",
    )
    seen = {contact.signed for contact in client.software.contacts} - {None}
    did = "signed" if seen == {True} else "did not sign" if seen == {False} else "signed some" if seen else ""
    return f"{required}; {did}" if did else required


def shown(difference: Difference, side: str) -> str:
    """One side of a difference, numbers as documents write them."""
    value = difference.seen if side == "seen" else difference.persona
    if value is None:
        return "nothing"
    if isinstance(value, int) and not isinstance(value, bool) and difference.field.endswith(_HEXADECIMAL):
        return f"{value:#x}"
    if isinstance(value, list):
        return ", ".join(_item(one) for one in value) or "none"
    return str(value) or '""'


def _item(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(
            str(part) if not isinstance(part, list) else "/".join(part) for part in value.values()
        )
    return str(value)


def document(study: Study, written: Mapping[str, Path], nothing: str = "") -> dict[str, object]:
    """The JSON form. ``nothing`` says why there is no client in it."""
    captures = [
        {
            "file": notes.name,
            "sha256": notes.sha256,
            "bytes": notes.bytes,
            "packets": notes.packets,
            "time": None if notes.first is None else when_of(notes.first),
        }
        for notes in study.captures
    ]
    return {
        "schema": SCHEMA,
        # "capture" is from the time when there was but one.
        "capture": captures[0],
        "captures": captures,
        "nothing": nothing,
        "partial": study.missing,
        "hosts": [_host_part(study, host, written) for host in study.hosts],
    }


def _host_part(study: Study, host: Host, written: Mapping[str, Path]) -> dict[str, object]:
    return {
        "address": host.address,
        "connections": host.connections,
        "kinds": [
            {"kind": kind, "ports": list(ports), "count": count}
            for (kind, ports), count in kinds(host.contacts.items()).items()
        ],
        "ended": sorted({contact.ended for contact in host.contacts} - {""}),
        "missing": list(dict.fromkeys(line for contact in host.contacts for line in contact.missing)),
        "kdc": [learned_kerberos.exchange_part(exchange) for exchange in host.exchanges],
        "clients": [_client_part(client, written) for client in study.of(host)],
    }


def _client_part(client: Client, written: Mapping[str, Path]) -> dict[str, object]:
    contacts = client.software.contacts
    nearest = client.like[0] if client.like else None
    name = client.learned.name if client.learned else ""
    return {
        "name": name,
        "fields": dict(client.facts.fields),
        "inferred": list(client.learned.inferred) if client.learned else [],
        "chosen": list(dict.fromkeys(contact.chosen for contact in contacts if contact.chosen)),
        "logons": [
            {
                "kind": logon.kind or "stopped",
                "result": logon.result,
                "guest": logon.guest,
                "mic": logon.proof.mic if logon.proof else None,
                "av_pairs": list(logon.proof.own_pairs) if logon.proof else [],
                **learned_kerberos.logon_part(logon),
            }
            for logon in dict.fromkeys(logons(contacts))
        ],
        "signing": signing(client),
        "opened": list(dict.fromkeys(name for contact in contacts for name in contact.opened)),
        "recognised": client.recognised,
        "known_as": client.tool.name if client.tool else "",
        "when": nearest.when if nearest else "",
        "nearest": nearest.persona.data.name if nearest else "",
        "equally": client.equally,
        "alike": round(nearest.alike, 3) if nearest else 0.0,
        "differences": [
            {"field": one.field, "seen": one.seen, "persona": one.persona} for one in nearest.differences
        ]
        if nearest
        else [],
        "notes": [*client.facts.notes, *([client.why_not] if client.why_not else [])],
        "persona": client.learned.text if client.learned else "",
        "file": str(written[name]) if name in written else "",
    }


def render_json(document: Mapping[str, object]) -> str:
    """The document as JSON text."""
    return dump(document)


def render_row(result: RunResult, console: Console) -> None:
    """What each learned client did under each mitigation on each server, a line each."""
    page = Page(console)
    labels = Labels(result)
    for client in dict.fromkeys(one.cell.client for one in result.cells):
        page.blank()
        page.hanging(page.text(f"{labels.client(client)} in the lab (~ emulated)", "bold"), indent=0)
        places: dict[tuple[str, str], dict[str, list[str]]] = {}
        for one in result.cells:
            if one.cell.client == client:
                effects = places.setdefault((one.cell.mitigation, one.cell.server), {})
                effects.setdefault(_effect(one), []).append(one.cell.check)
        for (mitigation, server), effects in places.items():
            told = "; ".join(f"{', '.join(checks)} {effect}" for effect, checks in effects.items())
            page.hanging(
                page.text(told),
                first=page.text(f"{mitigation} on {labels.marked(server)}: ", "dim"),
                deeper=INDENT,
            )


def _effect(one: CellResult) -> str:
    """The effect, and for what was refused where and with which status."""
    after = one.phases.get(Phase.APPLIED) or one.phases.get(Phase.BASELINE)
    why = f" ({after.step} {after.status})" if after and after.outcome is Outcome.REFUSED else ""
    return f"{one.effect}{why}"
