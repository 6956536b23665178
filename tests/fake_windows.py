"""A stand-in for a Windows guest, so that the ways into one can be tried without one. It is no Windows.

``answer`` gets the script's text and its parameters as the real bootstrap would get them and returns
what such a script would print. What is checked with it are the contracts between the harness and its scripts
(which parameters go in, which JSON comes out, what happens when none comes), never what Windows does.

The login shell of the tests' sshd takes ``-c COMMAND`` like any shell and asks a socket for the answer, so
that the tests decide in their own process. It is written in what every Debian has: sshd's user may enter
neither the checkout nor, on some machines, the folder of Python.
"""

from __future__ import annotations

import base64
import json
import re
import socketserver
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Play = Callable[[str, Mapping[str, Any]], Any]
"""From the text of a script and its parameters to what it answers (any JSON); may raise Thrown."""


class Thrown(Exception):
    """The script throws this message."""


class Said(Exception):
    """Not PowerShell's bootstrap but something else answers: exit status, stdout, stderr."""

    def __init__(self, status: int, stdout: str = "", stderr: str = "") -> None:
        super().__init__(status, stdout, stderr)
        self.parts = (status, stdout, stderr)


def interpret(command: str, stdin: str, play: Play) -> tuple[int, str, str]:
    """What the command line of ``harness.remote.powershell`` would print: status, stdout, stderr.

    It reads the bootstrap that it was sent for the mark, and does what that says it does.
    """
    words = command.split()
    if not words or words[0] != "powershell.exe" or "-EncodedCommand" not in words:
        return (0, "", "") if words[:1] == ["exit"] else (1, "", f"'{words[0]}' is not recognized")
    bootstrap = base64.b64decode(words[-1]).decode("utf-16-le")
    found = re.search(r"^\$mark = '([^']+)'$", bootstrap, re.MULTILINE)
    assert found, bootstrap
    mark = found[1]
    order = json.loads(stdin)
    try:
        answer = json.dumps(play(order["script"], order["with"]))
    except Thrown as thrown:
        why = json.dumps({"message": str(thrown), "id": "Fake", "line": 7})
        return 1, f"{mark}failure {why}{mark}\r\n", ""
    except Said as said:
        status, stdout, stderr = said.parts
        return status, stdout.replace("@MARK@", mark), stderr
    return 0, f"noise of a profile\r\n{mark}answer {answer}{mark}\r\n", ""


class Guest:
    """``with Guest(folder, play) as guest``: ``guest.shell`` is a login shell that plays a Windows."""

    def __init__(self, folder: Path, play: Play) -> None:
        self.play = play
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        self._path = folder / "socket"
        self.shell = folder / "powershell-of-the-tests"
        self.shell.write_text(f"#!/usr/bin/perl\nmy $path = '{self._path}';\n{_SHELL}")
        self.shell.chmod(0o755)
        self._server = _Server(str(self._path), _Handler)
        self._server.guest = self
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def heard(self, script: str, given: Mapping[str, Any]) -> Any:
        """Note what was asked, and let the test answer."""
        self.asked.append((script, given))
        return self.play(script, given)

    def __enter__(self) -> Guest:
        self._path.chmod(0o777)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    guest: Guest


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        sizes = [int(word) for word in self.rfile.readline().split()]
        command, stdin = (self.rfile.read(size).decode() for size in sizes)
        status, out, err = interpret(command, stdin, self.server.guest.heard)
        head = f"{status} {len(out.encode())}\n"
        self.wfile.write((head + out + err).encode())


_SHELL = """\
use IO::Socket::UNIX;
my ($option, $command) = @ARGV;
die "no shell option: $option" if $option ne '-c';
local $/;
my $stdin = $command =~ /^exit/ ? '' : <STDIN>;
my $wire = IO::Socket::UNIX->new(Peer => $path) or die "nobody plays: $!";
print $wire length($command), ' ', length($stdin), "\\n", $command, $stdin;
$wire->flush();
my ($head, $body) = split(/\\n/, <$wire>, 2);
my ($status, $size) = split(/ /, $head);
print STDOUT substr($body, 0, $size);
print STDERR substr($body, $size);
exit($status);
"""
