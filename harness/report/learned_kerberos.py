"""What ``rehearse learn`` tells of Kerberos: how a client logs on with it, and what it asked KDCs."""

from __future__ import annotations

from harness.learn.kdc import Exchange
from harness.learn.observe import Logon
from harness.smb.tap.kdc import ETYPES, KdcRequest
from harness.smb.tap.kerberos import MUTUAL, Principal, Spnego

_PROOF = 2


def etype(number: int) -> str:
    """An encryption type by name, e.g. "aes256-cts-hmac-sha1-96"."""
    return ETYPES.get(number, f"type {number}")


def logon(one: Logon) -> str:
    """How a logon with Kerberos was made; "" for any other."""
    token = one.session.spnego
    if one.kind != "Kerberos" or token is None:
        return ""
    listed = f", mechanisms {', '.join(token.mechanisms)}" if token.mechanisms else ", without SPNEGO"
    return f"{listed}{_ap_req(token)}"


def _ap_req(token: Spnego) -> str:
    said = token.ap_req
    if said is None:
        return ""
    mutual = "the server must prove itself" if said.options & MUTUAL else "the server need not prove itself"
    return (
        f", a ticket of {etype(said.ticket_etype)} for {_named(said.service)}, authenticator "
        f"{etype(said.etype)}, {mutual}"
    )


def asked(exchange: Exchange) -> str:
    """A question to a KDC and its answer."""
    request, answer = exchange.request, exchange.answer
    if answer is None:
        said = "the answer was not seen"
    elif answer.error:
        said = answer.error
    else:
        said = f"a ticket of {etype(answer.ticket_etype)}, told in {etype(answer.etype)}"
    return f"{_request(request)}, by {exchange.transport.upper()}: {said}"


def _request(request: KdcRequest) -> str:
    proof = ""
    if request.kind == "AS-REQ":
        proof = ", with the encrypted time" if _PROOF in request.padata else ", without an encrypted time"
    wanted = ", ".join(etype(number) for number in request.etypes)
    return f"{request.kind} for {_named(request.service)}{proof}, options {request.options:#010x}, {wanted}"


def _named(name: Principal) -> str:
    return f"{name.form} (name type {name.kind})"


def logon_part(one: Logon) -> dict[str, object]:
    """The JSON form of what a logon tells of Kerberos and of the service's name."""
    token = one.session.spnego
    said = token.ap_req if token else None
    return {
        "target_name": one.proof.target if one.proof else None,
        "channel_bound": one.proof.bound if one.proof else None,
        "mechanisms": list(token.mechanisms) if token else [],
        "kerberos": {
            "service": said.service.form,
            "name_type": said.service.kind,
            "ticket_etype": said.ticket_etype,
            "authenticator_etype": said.etype,
            "mutual": bool(said.options & MUTUAL),
        }
        if said
        else None,
    }


def exchange_part(exchange: Exchange) -> dict[str, object]:
    """The JSON form of a question to a KDC and its answer."""
    request, answer = exchange.request, exchange.answer
    return {
        "transport": exchange.transport,
        "kind": request.kind,
        "service": request.service.form,
        "name_type": request.service.kind,
        "user_name_type": request.user.kind if request.user else None,
        "options": request.options,
        "etypes": list(request.etypes),
        "padata": list(request.padata),
        "till": request.till,
        "renew": request.renew,
        "addresses": list(request.addresses),
        "answer": (answer.error or answer.kind) if answer else "",
        "ticket_etype": answer.ticket_etype if answer and not answer.error else None,
        "reply_etype": answer.etype if answer and not answer.error else None,
    }
