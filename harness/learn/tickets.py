"""What a client shows of its Kerberos, in the fields of a persona file (its table ``kerberos``).

From its session setups what it lists and how its AP-REQ is made; from what its host asked KDCs how it asks.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from harness.learn.kdc import Exchange
from harness.learn.observe import Logon
from harness.smb.tap.kdc import KdcRequest
from harness.smb.tap.kerberos import Spnego

NOT_TOLD: Final = (
    "it logged on with Kerberos: how it does NTLM, and when it goes on with NTLM instead, is not known"
)
SHARED: Final = (
    "its host asked Kerberos KDCs, and several programs of it speak SMB: which of them asked is not known"
)
_PROOF: Final = 2
"""PA-ENC-TIMESTAMP."""
_CIFS: Final = "cifs/"


def kerberos(
    logons: Sequence[Logon], exchanges: Collection[Exchange], *, alone: bool
) -> tuple[dict[str, object], list[str]]:
    """The fields by their dotted names, and what a reader must know.

    ``alone``: its host has no other client.
    """
    fields: dict[str, object] = {}
    notes: list[str] = []
    kinds = [(logon.kind, logon.session.spnego) for logon in logons]
    tokens = [token for kind, token in kinds if kind == "Kerberos" and token]
    if tokens:
        _session(max(tokens, key=lambda one: (one.ap_req is not None, len(one.mechanisms))), fields)
        notes += [NOT_TOLD] if all(logon.kind in ("", "Kerberos") for logon in logons) else []
    if exchanges and not (alone or tokens):
        notes.append(SHARED)
    elif exchanges:
        _asking(exchanges, fields)
    return {f"kerberos.{name}": value for name, value in fields.items()}, notes


def _session(token: Spnego, fields: dict[str, object]) -> None:
    if token.mechanisms:
        fields["mechanisms"] = list(token.mechanisms)
        fields["wide_lengths"] = token.wide
    if token.ap_req:
        fields["options"] = token.ap_req.options
        fields["name_type"] = token.ap_req.service.kind


def _asking(exchanges: Collection[Exchange], fields: dict[str, object]) -> None:
    firsts = [one for one in exchanges if one.request.kind == "AS-REQ"]
    if firsts:
        # The last question of a kind is the one that was good enough for the KDC.
        proven = next((one for one in reversed(firsts) if _PROOF in one.request.padata), firsts[-1])
        request = proven.request
        fields["transport"] = proven.transport
        fields["asks_first"] = any(_PROOF not in one.request.padata for one in firsts)
        fields["as_padata"] = list(request.padata)
        fields["addresses"] = list(request.addresses)
        fields["till"] = request.till
        fields["renew"] = request.renew
        _ways("as", request, fields)
    services = [one for one in exchanges if one.request.kind == "TGS-REQ"]
    mine = [one for one in services if one.request.service.form.lower().startswith(_CIFS)]
    if mine:
        fields.setdefault("transport", mine[0].transport)
        _ways("tgs", mine[0].request, fields)
        fields["tgs_padata"] = list(mine[0].request.padata)
        fields["name_type"] = mine[0].request.service.kind


def _ways(prefix: str, request: KdcRequest, fields: dict[str, object]) -> None:
    fields |= {f"{prefix}_options": request.options, f"{prefix}_etypes": list(request.etypes)}
