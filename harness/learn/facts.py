"""What the connections of one client show, in the fields of a persona file, and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from harness.learn.hosts import Software
from harness.learn.kdc import Exchange
from harness.learn.observe import Contact, Opening, Smb1Offer, Smb2Offer
from harness.learn.tickets import kerberos
from harness.learn.words import HIDDEN
from harness.model import Dialect
from harness.smb.offer import ALGORITHMS, SIGNING_REQUIRED, SMB2_ANY, SMB2_FIRST, ContextKind
from harness.smb.tap.fingerprint import ContextFingerprint, SessionFingerprint

Value = object
Table = dict[str, Value]

_WINDOWS_7: Final = (6, 1)
_LEVELS: Final = ("NTLMv2", "NTLMv1")
ONLY_CHANNELS: Final = "only further channels were seen (multichannel): what it offers at first is not known"
PLAINTEXT: Final = (
    "it sent its password as plain text, which no persona does: what it does with NTLM was not seen"
)


@dataclass(frozen=True, slots=True)
class Facts:
    """``fields`` by their dotted names in a persona file, e.g. "smb2_negotiate.dialects".

    A table that is known to be absent stands under its own name as None.
    """

    fields: Mapping[str, Value]
    notes: tuple[str, ...]
    """What a reader must know: what cannot be told, or a persona cannot say."""


def facts(client: Software, exchanges: Collection[Exchange] = (), *, alone: bool = True) -> Facts:
    """All that the capture shows of a client.

    ``exchanges`` are its host's with KDCs; ``alone``: no other client is on that host.
    """
    fields: Table = {}
    notes: list[str] = []
    contacts = list(client.contacts)
    smb1 = max(
        (one.smb1 for one in contacts if one.smb1), key=lambda offer: len(offer.dialects), default=None
    )
    own = [one for one in contacts if not one.channel]
    smb2 = max((one.smb2 for one in own if one.smb2), key=lambda offer: len(offer.dialects), default=None)
    # How it logs on is read where it made its fullest offer: its other connections may be probes.
    contacts.sort(key=lambda one: (one.channel, smb2 is None or one.smb2 != smb2, one.smb1 != smb1))
    if not own:
        notes.append(ONLY_CHANNELS)
    _smb1(smb1, own, fields, notes)
    _smb2(smb2, smb1, own, fields, notes)
    for name, at in (("smb1_negotiate", 0), ("smb2_negotiate", 1)):
        if len({pids[at] for pids in client.pids} - {None}) > 1:
            fields[f"{name}.pid_varies"] = True
    _sessions(contacts, fields, notes)
    logons = [logon for contact in contacts for logon in contact.logons]
    tickets, more = kerberos(logons, exchanges, alone=alone)
    fields |= tickets
    notes += more
    _limits(smb1, smb2, contacts, fields, notes)
    return Facts(fields, tuple(notes))


def _smb1(offer: Smb1Offer | None, own: list[Contact], fields: Table, notes: list[str]) -> None:
    if offer is not None:
        fingerprint = offer.fingerprint
        fields["smb1_negotiate.dialects"] = list(offer.dialects)
        fields["smb1_negotiate.flags"] = fingerprint.flags
        fields["smb1_negotiate.flags2"] = fingerprint.flags2
        fields["smb1_negotiate.tid"] = fingerprint.tid
        fields["smb1_negotiate.pid"] = fingerprint.pid
        fields["smb1_negotiate.uid"] = fingerprint.uid
        fields["smb1_negotiate.mid"] = fingerprint.mid
    elif own:
        fields["smb1_negotiate"] = None
        notes.append("it spoke SMB2 at once; some clients do so only to servers that they know already")


def _smb2(
    offer: Smb2Offer | None, smb1: Smb1Offer | None, own: list[Contact], fields: Table, notes: list[str]
) -> None:
    if offer is None:
        strings = smb1.dialects if smb1 else ()
        if SMB2_ANY in strings:
            notes.append(
                "its SMB2 NEGOTIATE is not in the capture: the server chose otherwise, or it is cut off"
            )
        elif SMB2_FIRST in strings:
            fields["smb2_negotiate.dialects"] = [Dialect.SMB2_02.value]
            fields["smb2_negotiate.contexts"] = []
        elif own:
            fields["smb2_negotiate"] = None
        return
    fingerprint = offer.fingerprint
    known = {dialect.revision for dialect in Dialect if dialect is not Dialect.NT1}
    fields["smb2_negotiate.dialects"] = [
        Dialect.from_revision(number).value for number in offer.dialects if number in known
    ]
    # Development versions of Windows had more, and old Samba offers them.
    fields["smb2_negotiate.unreleased"] = [number for number in offer.dialects if number not in known]
    fields["smb2_negotiate.security_mode"] = fingerprint.security_mode
    fields["smb2_negotiate.capabilities"] = fingerprint.capabilities
    contexts = [_context(context) for context in fingerprint.contexts]
    fields["smb2_negotiate.contexts"] = [context for context in contexts if context]
    if not all(contexts):
        notes.append("it sends negotiate contexts, or algorithms in them, that no persona speaks: left out")
    fields["smb2_negotiate.pid"] = fingerprint.pid
    fields["smb2_negotiate.credit_charge"] = fingerprint.credit_charge
    fields["smb2_negotiate.credits"] = fingerprint.credits
    fields["smb2_negotiate.flags"] = fingerprint.flags
    # The security mode of a SESSION_SETUP follows the server, that of a NEGOTIATE is the client's own.
    fields["policy.require_signing"] = bool(fingerprint.security_mode & SIGNING_REQUIRED)


def _context(fingerprint: ContextFingerprint) -> Table | None:
    """As a persona file has it; None when it cannot be said there."""
    try:
        kind = ContextKind(fingerprint.kind)
    except ValueError:
        return None
    titles = ALGORITHMS.get(kind)
    context: Table = {"kind": kind.name.lower()}
    if titles is not None and fingerprint.algorithms:
        try:
            context["algorithms"] = [titles(number).title for number in fingerprint.algorithms]
        except ValueError:
            return None
    if fingerprint.salt:
        context["salt"] = fingerprint.salt
    if fingerprint.flags:
        context["flags"] = fingerprint.flags
    if fingerprint.data:
        context["data"] = fingerprint.data.hex()
    return context


def _sessions(contacts: list[Contact], fields: Table, notes: list[str]) -> None:
    logons = [logon for contact in contacts for logon in contact.logons]
    level = next((kind for kind in _LEVELS if any(logon.kind == kind for logon in logons)), None)
    if level:
        fields["ntlm.level"] = level
        fields["policy.ntlmv2_only"] = level == "NTLMv2"
    if any(logon.kind == "plaintext" for logon in logons):
        notes.append(PLAINTEXT)
    if {logon.kind for logon in logons} >= set(_LEVELS):
        notes.append("it sent NTLMv1 as well as NTLMv2")
    # A probe's flags are not those of a logon: macOS sends others.
    messages = [logon.session.ntlm for logon in sorted(logons, key=lambda one: one.stopped)]
    message = next((one for one in messages if one), None)
    if message:
        fields["ntlm.flags"] = message.flags
        fields["ntlm.spnego"] = not message.bare
        if message.version:
            fields["ntlm.version"] = list(message.version)
            if message.version[:2] == _WINDOWS_7:
                notes.append("its NTLM version claims Windows 7, as those of macOS and Samba do")
    proof = next((logon.proof for logon in logons if logon.proof), None)
    if proof and proof.target in (None, "cifs/address"):
        # No server gives itself an address for a name; of any other name it is not known whose it is.
        fields["ntlm.target_name"] = "called" if proof.target else "none"
    if logons and all(logon.stopped for logon in logons):
        notes.append("its logons stop after the first message: probes, or the capture ends; no failed logons")
    sessions: list[SessionFingerprint] = [logon.session for logon in logons if logon.session.smb1]
    if sessions:
        session = max(sessions, key=lambda one: (one.extended, bool(one.native_os)))
        fields["smb1_session.flags2"] = session.flags2
        fields["smb1_session.capabilities"] = session.capabilities
        fields["smb1_session.max_mpx"] = session.max_mpx
        texts = {"native_os": session.native_os, "native_lanman": session.native_lanman}
        fields |= {f"smb1_session.{name}": text for name, text in texts.items() if text != HIDDEN}
        if HIDDEN in texts.values():
            notes.append("it names its system in words that we do not know: not told, they may name somebody")


def _limits(
    smb1: Smb1Offer | None, smb2: Smb2Offer | None, contacts: list[Contact], fields: Table, notes: list[str]
) -> None:
    """The policy's dialects, as far as what happened tells: an SMB1-framed NEGOTIATE is not SMB1 use."""
    strings = smb1.dialects if smb1 else ()
    if older_than_nt1(strings) and smb2 is None:
        notes.append(
            f"it offers nothing newer than {strings[-1]}, and no NT LM 0.12: refused by every server without "
            "LAN Manager dialects; a persona's limits cannot name those, its offer does"
        )
        return
    plain = any(not name.startswith("SMB 2.") for name in strings)
    if any(logon.session.smb1 for contact in contacts for logon in contact.logons):
        fields["policy.smb1"] = True
        fields["policy.min_dialect"] = Dialect.NT1.value
    elif smb2 and not plain:
        fields["policy.smb1"] = False
    names = fields.get("smb2_negotiate.dialects")
    ordered = sorted(map(Dialect, names), key=lambda one: one.revision) if isinstance(names, list) else []
    if ordered:
        fields["policy.max_dialect"] = ordered[-1].value
        if fields.get("policy.smb1") is False:
            fields["policy.min_dialect"] = ordered[0].value
    elif "smb2_negotiate" in fields:
        fields["policy.max_dialect"] = Dialect.NT1.value


def older_than_nt1(strings: Collection[str]) -> bool:
    """True for an offer in which nothing is as new as NT LM 0.12."""
    return bool(strings) and not {Dialect.NT1.value, "NT LANMAN 1.0", SMB2_FIRST, SMB2_ANY} & set(strings)


def opening(client: Software) -> Opening:
    """How its fullest connection begins."""
    order = (Opening.MULTI, Opening.DIRECT, Opening.SMB1_ONLY, Opening.UNSEEN)
    return min((contact.opening for contact in client.contacts), key=order.index)
