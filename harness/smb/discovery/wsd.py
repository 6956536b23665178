"""WS-Discovery as Windows speaks it: Probe, Resolve and the Get for a device's name. No I/O happens here.

WS-Discovery of April 2005; the types of Devices Profile for Web Services (2006) and of [MS-PBSD], by which
a computer says its name and workgroup. The prefixes are those that wsdd expects of
Windows: its release 0.7 answers a Probe for "wsdp:Device" alone, whatever the prefix stands for (measured).
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from html import escape
from typing import Final
from xml.etree import ElementTree

GROUP: Final = "239.255.255.250"
PORT: Final = 3702
MOST: Final = 65535
"""Bytes that are read of one answer."""

_SOAP: Final = "http://www.w3.org/2003/05/soap-envelope"
_WSA: Final = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
_WSD: Final = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
_WSDP: Final = "http://schemas.xmlsoap.org/ws/2006/02/devprof"
_PUB: Final = "http://schemas.microsoft.com/windows/pub/2005/07"
_DISCOVERY: Final = "urn:schemas-xmlsoap-org:ws:2005:04:discovery"
_ANONYMOUS: Final = f"{_WSA}/role/anonymous"
_GET: Final = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Get"
_NAME_AND_GROUP: Final = re.compile(r"\s*([^/\\\s]+)[/\\](?:Workgroup|Domain):(\S+)\s*")
"""[MS-PBSD] 2.2.1: "NAME/Workgroup:GROUP"."""


@dataclass(frozen=True, slots=True)
class Message:
    """What one message says, as far as it matters here."""

    action: str
    """The last word of its action: "Probe", "ProbeMatches" …"""
    message_id: str
    relates_to: str
    endpoint: str
    """The device's own name, which stays the same: "urn:uuid:…"; "" where there is none."""
    addresses: tuple[str, ...]
    """Where it tells more (XAddrs)."""
    computer: str
    """"NAME/Workgroup:GROUP" of a computer; "" where it is none."""


def new_id() -> str:
    """A message's own name."""
    return uuid.uuid4().urn


def probe(message_id: str) -> bytes:
    """Which devices are there?"""
    return _message(
        _DISCOVERY, f"{_WSD}/Probe", message_id, "<wsd:Probe><wsd:Types>wsdp:Device</wsd:Types></wsd:Probe>"
    )


def resolve(message_id: str, endpoint: str) -> bytes:
    """Where does this device tell more of itself?"""
    body = f"<wsd:Resolve>{_reference(endpoint)}</wsd:Resolve>"
    return _message(_DISCOVERY, f"{_WSD}/Resolve", message_id, body)


def get(message_id: str, endpoint: str) -> bytes:
    """Tell more of yourself: sent over HTTP."""
    return _message(endpoint, _GET, message_id, "")


def match(asked: str, endpoint: str) -> bytes:
    """A device's answer to the Probe of that message id."""
    body = (
        f"<wsd:ProbeMatches><wsd:ProbeMatch>{_reference(endpoint)}<wsd:Types>wsdp:Device</wsd:Types>"
        "<wsd:MetadataVersion>1</wsd:MetadataVersion></wsd:ProbeMatch></wsd:ProbeMatches>"
    )
    return _message(_ANONYMOUS, f"{_WSD}/ProbeMatches", new_id(), body, asked)


def read(data: bytes) -> Message | None:
    """A message; None for what is none, whatever it is: everybody may send to this port."""
    # Nothing of WS-Discovery has a document type, and an entity could make a small message large.
    if len(data) > MOST or b"<!" in data:
        return None
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError):
        return None
    if root.tag != f"{{{_SOAP}}}Envelope":
        return None

    def text(path: str) -> str:
        found = root.find(path)
        return (found.text or "").strip() if found is not None else ""

    head, body = f"{{{_SOAP}}}Header", f"{{{_SOAP}}}Body"
    action = text(f"{head}/{{{_WSA}}}Action")
    if not action:
        return None
    return Message(
        action.rpartition("/")[2],
        text(f"{head}/{{{_WSA}}}MessageID"),
        text(f"{head}/{{{_WSA}}}RelatesTo"),
        text(f"{body}//{{{_WSA}}}EndpointReference/{{{_WSA}}}Address"),
        tuple(text(f"{body}//{{{_WSD}}}XAddrs").split()),
        text(f"{body}//{{{_PUB}}}Computer"),
    )


def named(message: Message) -> tuple[str, str] | None:
    """The name and the workgroup or domain of a computer that told it; None where it did not."""
    found = _NAME_AND_GROUP.fullmatch(message.computer)
    return (found[1], found[2]) if found else None


def _reference(endpoint: str) -> str:
    address = escape(endpoint, quote=False)
    return f"<wsa:EndpointReference><wsa:Address>{address}</wsa:Address></wsa:EndpointReference>"


def _message(to: str, action: str, message_id: str, body: str, relates_to: str = "") -> bytes:
    relates = f"<wsa:RelatesTo>{escape(relates_to, quote=False)}</wsa:RelatesTo>" if relates_to else ""
    reply = "" if relates_to else f"<wsa:ReplyTo><wsa:Address>{_ANONYMOUS}</wsa:Address></wsa:ReplyTo>"
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<soap:Envelope xmlns:soap="{_SOAP}" xmlns:wsa="{_WSA}" xmlns:wsd="{_WSD}" xmlns:wsdp="{_WSDP}">'
        f"<soap:Header><wsa:To>{escape(to, quote=False)}</wsa:To><wsa:Action>{action}</wsa:Action>"
        f"<wsa:MessageID>{escape(message_id, quote=False)}</wsa:MessageID>{reply}{relates}</soap:Header>"
        f"<soap:Body>{body}</soap:Body></soap:Envelope>"
    ).encode()
