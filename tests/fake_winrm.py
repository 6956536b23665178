"""A stand-in for WinRM on 127.0.0.1: a real HTTP server that misbehaves in the ways that WinRM does.

Well-behaved, it answers the messages of a remote shell ([MS-WSMV] 3.1.4), and plays the command lines as
tests/fake_windows.py does. It takes Basic logons, and in the mood "negotiate" those by NTLM inside SPNEGO
with every message encrypted ([MS-WSMV] 2.2.9.1), by pyspnego's acceptor: no Windows, but not our code.
"""

from __future__ import annotations

import base64
import re
import ssl
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import spnego
from fake_windows import Play, interpret
from pypsrp.encryption import WinRMEncryption

USER, PASSWORD = "vagrant", "lab password 81"
Mood = (
    Literal["well", "negotiate", "garbage", "silent", "404", "200", "no-auth", "digest"]
    | Literal["negotiate-hangs", "quota", "deaf"]
)

_RSP = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
_NAMES = (
    'xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
    'xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" '
    'xmlns:x="http://schemas.xmlsoap.org/ws/2004/09/transfer" '
    f'xmlns:rsp="{_RSP}" xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"'
)
_BASIC = 'Basic realm="WSMAN"'
_OFFERS = {
    "digest": ["Digest realm=x"],
    "no-auth": [],
    "negotiate-hangs": ["Negotiate", _BASIC],
}


class Command:
    """One command line of a shell."""

    def __init__(self, line: str) -> None:
        self.line = line
        self.stdin = b""
        self.fed = False


class WinRm:
    """``with WinRm(play) as winrm``: listens on ``winrm.port``; ``winrm.mood`` says how it behaves."""

    def __init__(self, play: Play, mood: Mood = "well", certificate: Path | None = None) -> None:
        self.play = play
        self.mood: Mood = mood
        self.shells: set[str] = set()
        self.opened = 0
        self.sealed = 0
        """Messages that came and went encrypted."""
        self.commands: dict[str, Command] = {}
        self.ends = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        if certificate is not None:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate)
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> WinRm:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ends.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request: str) -> tuple[int, str]:
        """HTTP status and envelope for the envelope of a request."""
        action = _inside(request, "Action").rpartition("/")[2]
        message = _inside(request, "MessageID")
        if self.mood == "quota" and action == "Create":
            return 500, _fault(message, 0x803381A5, "This user is allowed 5 shells")
        body = getattr(self, f"_{action.lower()}")(request)
        return (500, _fault(message, *body)) if isinstance(body, tuple) else (200, _envelope(message, body))

    def _create(self, request: str) -> str:
        shell = str(uuid.uuid4()).upper()
        self.shells.add(shell)
        self.opened += 1
        selector = f'<w:SelectorSet><w:Selector Name="ShellId">{shell}</w:Selector></w:SelectorSet>'
        where = f"<a:ReferenceParameters>{selector}</a:ReferenceParameters>"
        return (
            f"<x:ResourceCreated>{where}</x:ResourceCreated>"
            f"<rsp:Shell><rsp:ShellId>{shell}</rsp:ShellId></rsp:Shell>"
        )

    def _command(self, request: str) -> str:
        number = str(uuid.uuid4()).upper()
        self.commands[number] = Command(_inside(request, "Command"))
        return f"<rsp:CommandResponse><rsp:CommandId>{number}</rsp:CommandId></rsp:CommandResponse>"

    def _send(self, request: str) -> str:
        stream = next(ET.fromstring(request).iter(f"{{{_RSP}}}Stream"))
        command = self.commands[stream.attrib["CommandId"]]
        command.stdin += base64.b64decode(stream.text or "")
        command.fed = stream.attrib.get("End", "").lower() == "true"
        return "<rsp:SendResponse/>"

    def _receive(self, request: str) -> str | tuple[int, str]:
        wanted = next(ET.fromstring(request).iter(f"{{{_RSP}}}DesiredStream"))
        number = wanted.attrib["CommandId"]
        if self.mood == "deaf":
            # What Windows answers a Receive whose OperationTimeout ran out.
            return 0x80338029, "The WS-Management service cannot complete the operation within the time"
        command = self.commands[number]
        assert command.fed
        status, out, err = interpret(command.line, command.stdin.decode(), self.play)
        whose, done = f'CommandId="{number}"', f'State="{_RSP}/CommandState/Done"'
        streams = "".join(
            f'<rsp:Stream Name="{name}" {whose}>{base64.b64encode(text.encode()).decode()}</rsp:Stream>'
            for name, text in (("stdout", out), ("stderr", err))
        )
        state = f"<rsp:CommandState {whose} {done}><rsp:ExitCode>{status}</rsp:ExitCode></rsp:CommandState>"
        return f"<rsp:ReceiveResponse>{streams}{state}</rsp:ReceiveResponse>"

    def _signal(self, request: str) -> str:
        return "<rsp:SignalResponse/>"

    def _delete(self, request: str) -> str:
        found = re.search(r'Name="ShellId"[^>]*>([^<]+)<', request)
        assert found
        self.shells.remove(found[1])
        return ""


def _inside(request: str, name: str) -> str:
    """The text of the first element of that local name."""
    return next(one.text or "" for one in ET.fromstring(request).iter() if one.tag.endswith(f"}}{name}"))


def _envelope(message: str, body: str) -> str:
    head = f"<s:Header><a:RelatesTo>{escape(message)}</a:RelatesTo></s:Header>"
    return f"<s:Envelope {_NAMES}>{head}<s:Body>{body}</s:Body></s:Envelope>"


def _fault(message: str, code: int, reason: str) -> str:
    text = f"<s:Reason><s:Text>{escape(reason)}</s:Text></s:Reason>"
    words = f"<f:Message>{escape(reason)}</f:Message>"
    detail = f'<f:WSManFault Code="{code}" Machine="127.0.0.1">{words}</f:WSManFault>'
    return _envelope(message, f"<s:Fault>{text}<s:Detail>{detail}</s:Detail></s:Fault>")


def _handler(winrm: WinRm) -> type[BaseHTTPRequestHandler]:
    token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        context: Any = None
        """Of this connection's NTLM session."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            logon = self.headers.get("Authorization", "")
            if winrm.mood == "negotiate":
                self._negotiate(body, logon)
                return
            request = body.decode()
            if winrm.mood == "garbage":
                self.wfile.write(b"SSH-2.0-OpenSSH_for_Windows_8.1\r\n")
                self.close_connection = True
            elif winrm.mood == "silent" or (winrm.mood == "negotiate-hangs" and logon):
                winrm.ends.wait()
                self.close_connection = True
            elif winrm.mood in ("404", "200"):
                self._say(int(winrm.mood), "")
            elif logon != f"Basic {token}":
                self._say(401, "", _OFFERS.get(winrm.mood, [_BASIC]))
            else:
                self._say(*winrm.answer(request))

        def _negotiate(self, body: bytes, logon: str) -> None:
            """One leg of the logon, or an encrypted message after it."""
            if logon:
                if self.context is None or self.context.complete:
                    self.context = spnego.server(options=spnego.NegotiateOptions.use_negotiate)
                try:
                    answer = self.context.step(base64.b64decode(logon.partition(" ")[2])) or b""
                except spnego.exceptions.SpnegoError:
                    self._say(401, "", ["Negotiate"])
                    return
                way = "Negotiate " + base64.b64encode(answer).decode()
                self._say(200 if self.context.complete else 401, "", [way])
            elif self.context is None or not self.context.complete:
                self._say(401, "", ["Negotiate"])
            else:
                # A message that is not encrypted is no message here.
                sealed = WinRMEncryption(self.context, WinRMEncryption.SPNEGO)
                request = sealed.unwrap_message(body, "Encrypted Boundary").decode()
                status, text = winrm.answer(request)
                kind, wrapped = sealed.wrap_message(text.encode())
                winrm.sealed += 1
                parameters = f'protocol="{sealed.protocol}";boundary="Encrypted Boundary"'
                self._send(status, wrapped, f"{kind};{parameters}", [])

        def _say(self, status: int, text: str, ways: list[str] | None = None) -> None:
            self._send(status, text.encode(), "application/soap+xml;charset=UTF-8", ways or [])

        def _send(self, status: int, body: bytes, kind: str, ways: list[str]) -> None:
            self.send_response(status)
            for way in ways:
                self.send_header("WWW-Authenticate", way)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name it has there)
            """Say nothing."""

    return Handler
