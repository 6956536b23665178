"""Guests: an unknown user is let in, may write, and a wrong password makes a guest."""

from __future__ import annotations

from harness.exposures._logons import NO_ACCOUNT
from harness.exposures.base import Exposure, Subject, by_answer, closed, not_exposed, opened, unknown
from harness.model import Sighting

_UNKNOWN = "a logon as a user with a random name and no password"


class GuestLogon(Exposure):
    name = "guest-logon"
    title = "a user whom the server does not know gets in as a guest"
    sends = _UNKNOWN
    safe = "a name that nobody has locks nobody's account; the session is closed at once"
    source = "smb.conf(5), map to guest; Microsoft, Guest access in SMB2 is disabled by default (KB4046019)"

    def probe(self, subject: Subject) -> Sighting:
        said = subject.look.guest.logon
        if said.ok:
            marked = "marked as a guest session" if said.value else "and not even marked as a guest session"
            return opened(f"an unknown user: {said.text}, {marked}")
        return by_answer(said, "an unknown user")


class GuestWritable(Exposure):
    name = "guest-writable"
    title = "a guest may write into a share"
    sends = f"{_UNKNOWN}; for each share a TREE_CONNECT, and its root opened with the right to add files"
    safe = "no file is made, written or deleted: the server only says whether one could be"
    source = "smb.conf(5), guest ok and read only; [MS-SMB2] 2.2.13.1.2 (FILE_ADD_FILE)"
    of_share = True

    def probe(self, subject: Subject) -> Sighting:
        guest = subject.look.guest
        if not guest.logon.ok:
            if guest.logon.refused:
                return not_exposed(f"no guest gets in: {guest.logon.text}")
            return unknown(f"an unknown user: {guest.logon.text}")
        if not guest.shares:
            return unknown("guests get in, but no share is known to try")
        writable = [name for name, said in guest.shares.items() if said.ok]
        if writable:
            return opened(f"a guest may add files to {', '.join(writable)}")
        text = ", ".join(f"{name} {said.text}" for name, said in guest.shares.items())
        return closed(text) if all(said.refused for said in guest.shares.values()) else unknown(text)


class BadPasswordGuest(Exposure):
    name = "bad-password-guest"
    title = "a wrong password makes a guest instead of a refusal"
    sends = "one logon of the account with a wrong, random password"
    safe = "one wrong password for the account that was given: it counts once where accounts are locked"
    source = "smb.conf(5), map to guest = Bad Password"

    def probe(self, subject: Subject) -> Sighting:
        if not subject.account:
            return _by_setting(subject)
        said = subject.look.wrong_password
        if said.ok:
            marked = "a guest session" if said.value else "a session as if the password were right"
            return opened(f"a wrong password: {said.text}, {marked}")
        return by_answer(said, "a wrong password")


def _by_setting(subject: Subject) -> Sighting:
    value = subject.setting("map to guest")
    if value is None:
        return unknown(NO_ACCOUNT)
    evidence = f"{NO_ACCOUNT}; the server's own configuration: map to guest = {value}"
    return opened(evidence) if value.lower() == "bad password" else closed(evidence)


EXPOSURES = (GuestLogon(), GuestWritable(), BadPasswordGuest())
