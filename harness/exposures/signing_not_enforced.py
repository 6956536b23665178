"""Signing is announced as required, and unsigned requests are served all the same."""

from __future__ import annotations

from harness.exposures._response import Response
from harness.exposures.base import Exposure, Subject, closed, not_exposed, opened, unknown
from harness.model import Dialect, Sighting
from harness.smb.negotiation import Smb2Chosen

_SMB1 = (Dialect.NT1,)


class SigningNotEnforced(Exposure):
    name = "signing-not-enforced"
    title = "signing is announced as required, but unsigned requests are served"
    sends = (
        "where signing is announced as required: a share is listed without signing, over SMB2/3 and SMB1, "
        "and over SMB1 without extended security as curl does; then once signed, for comparison"
    )
    safe = "it only lists the root of a share with the account that was given"
    of_share = True
    source = (
        "[MS-SMB2] 3.3.5.2.4; [MS-SMB] 3.3.5.1; measured: Samba 4.13 to 4.25 with server signing = mandatory "
        "serve an SMB1 session without extended security unsigned"
    )

    def probe(self, subject: Subject) -> Sighting:
        from harness.exposures._probe_cache import SMB2_DIALECTS

        look = subject.look
        ways: dict[str, Response[str]] = {}
        if isinstance(look.best.value, Smb2Chosen) and look.best.value.signing_required:
            # Unencrypted: what is encrypted needs no signature ([MS-SMB2] 3.2.4.1.1).
            ways["SMB2/3"] = look.listed(SMB2_DIALECTS, sign=False, encrypt=False)
        if look.smb1.value is not None and look.smb1.value.signing_required:
            ways["SMB1"] = look.listed(_SMB1, sign=False)
            ways["SMB1 without extended security"] = look.listed(_SMB1, sign=False, bare=True)
        if not ways:
            if look.best.ok:
                return not_exposed("signing is not announced as required, so there is nothing to enforce")
            return unknown(look.best.text)
        served = [said.value for said in ways.values() if said.ok and said.value]
        if served:
            how = [f"{way} ({said.value})" for way, said in ways.items() if said.ok]
            return opened(f"announced as required, yet a share was listed unsigned over {'; '.join(how)}")
        text = "; ".join(f"unsigned over {way}: {said.text}" for way, said in ways.items())
        signed = look.listed()
        # Samba hangs up on an unsigned SMB1 request. That it is the missing signature shows where the same
        # request is served signed.
        if signed.ok and all(said.refused or said.hung_up for said in ways.values()):
            return closed(f"{text}; signed it is served")
        return unknown(f"{text}; signed: {signed.text}")


EXPOSURES = (SigningNotEnforced(),)
