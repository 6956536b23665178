"""What a described mitigation says to look for, looked for on the wire by the lab's own client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from harness.mitigations import _read
from harness.mitigations._asked import negotiate_only, try_session
from harness.mitigations.base import Mitigation
from harness.mitigations.described_file import Ciphers, Dialects, Look, Who, Whom
from harness.mitigations.encryption_required import EncryptionRequired
from harness.mitigations.nt_pipe_support_off import pipe_refused
from harness.model import Attempt, Check, Dialect, Finding, Outcome, StepName
from harness.servers.base import Server, ServerState
from harness.servers.live import LiveServer
from harness.servers.parameters import with_all

_BEFORE_A_LOGON = (StepName.CONNECT, StepName.NEGOTIATE)
_EVERY = tuple(Dialect)


def seen(live: LiveServer, look: Look) -> Iterator[Finding]:
    """A finding for each thing that is to be looked for."""
    if look.dialect:
        yield from _dialects(live, look.dialect)
    if look.auth:
        yield from _logons(live, look.auth)
    if look.signing:
        answer = negotiate_only(live.target, _EVERY)
        said = "required" if answer.signing_required else "not required"
        yield Finding(said == look.signing, f"NEGOTIATE says signing {said}", visible=bool(answer.dialect))
    if look.encryption:
        yield _encryption(live, wanted=look.encryption == "required")
    if look.cipher:
        yield from _ciphers(live, look.cipher)
    if look.pipe:
        found = pipe_refused(live)
        yield found if look.pipe == "refused" else _otherwise(found)
    for check, whom in ((Check.BROWSE, look.browse), (Check.OPEN, look.open), (Check.WRITE, look.write)):
        if whom:
            yield from _checks(live, check, whom)
    if look.share_option:
        yield _options(live, look.share_option)


def _options(live: LiveServer, options: Mapping[str, str]) -> Finding:
    """Every share has these: nothing of that is seen on the wire."""

    def make(state: ServerState, server: Server) -> ServerState:  # noqa: ARG001
        return replace(state, conf=replace(state.conf, share=with_all(state.conf.share, options)))

    return _read.seen(live, [_read.Asked(name, _read.EVERY, each=True) for name in options], make)


def _otherwise(found: Finding) -> Finding:
    return Finding(not found.in_effect, found.evidence, found.visible)


def _dialects(live: LiveServer, wanted: Dialects) -> Iterator[Finding]:
    """The dialect itself is spoken, and nothing beyond it."""
    for end, older in ((wanted.oldest, True), (wanted.newest, False)):
        if end is None:
            continue
        itself = negotiate_only(live.target, (end,))
        spoken, said = itself.dialect is end, f"offered {end}: {itself.dialect or itself.status}"
        at = _EVERY.index(end)
        if others := _EVERY[:at] if older else _EVERY[at + 1 :]:
            other = negotiate_only(live.target, others)
            spoken = spoken and other.dialect is None
            said += f"; offered {others[0]} to {others[-1]}: {other.dialect or other.status}"
        yield Finding(spoken, said)


def _logons(live: LiveServer, wanted: Whom) -> Iterator[Finding]:
    for who, accepted in _each(wanted):
        made = try_session(live.target, dialects=_EVERY, auth=who)
        refused = made.outcome is Outcome.REFUSED and made.step is StepName.SESSION_SETUP
        answer = str(made.status) if refused else "accepted"
        yield _judged(made, refused is not accepted, f"logon {_as(who)}: {answer}")


def _checks(live: LiveServer, check: Check, wanted: Whom) -> Iterator[Finding]:
    for who, accepted in _each(wanted):
        made = try_session(live.target, check, dialects=_EVERY, auth=who)
        done = made.outcome is Outcome.OK
        yield _judged(made, done is accepted, f"{check} {_as(who)}: {made.status or made.outcome}")


def _judged(made: Attempt, holds: bool, said: str) -> Finding:
    """Who does not come as far as a logon shows nothing."""
    stopped = made.outcome is Outcome.REFUSED and made.step in _BEFORE_A_LOGON
    shown = not stopped and made.outcome is not Outcome.FAULT
    return Finding(holds and shown, f"{said} at {made.step}" if stopped else said, visible=shown)


def _each(wanted: Whom) -> Iterator[tuple[Who, bool]]:
    yield from ((who, False) for who in wanted.refused or ())
    yield from ((who, True) for who in wanted.accepted or ())


def _as(who: Who) -> str:
    return {"guest": "as an unknown user", "anonymous": "without a user"}.get(who, f"with {who}")


def _encryption(live: LiveServer, *, wanted: bool) -> Finding:
    if wanted:
        return _ENCRYPTION.verify(live)
    plain = try_session(live.target, dialects=_EVERY, encrypt=False)
    return Finding(
        plain.outcome is Outcome.OK, f"a session without encryption: {plain.status or plain.outcome}"
    )


_ENCRYPTION: Mitigation = EncryptionRequired()


def _ciphers(live: LiveServer, wanted: Ciphers) -> Iterator[Finding]:
    both = ((wanted.refused, False), (wanted.accepted, True))
    for name, accepted in ((name, accepted) for names, accepted in both for name in names or ()):
        answer = negotiate_only(live.target, (Dialect.SMB3_11,), ciphers=(name,))
        there = answer.dialect is Dialect.SMB3_11
        chosen = answer.cipher or ("no cipher" if there else answer.status)
        yield Finding(
            there and (answer.cipher is not None) is accepted,
            f"offered {name} alone at SMB 3.1.1: {chosen}",
            visible=there,
        )
