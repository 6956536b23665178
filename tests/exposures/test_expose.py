"""``rehearse expose``: one address, said before it is done, no secrets anywhere, one connection at a time."""

from __future__ import annotations

import io
import json
import socket
from collections.abc import Callable, Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest
from bad_servers import bad_server, hang, pass_on, read_frame, speak_http
from commandline import rehearse
from known import CATALOGUE

from harness.cli.main import parse
from harness.errors import LabFault, UsageError
from harness.exposures import _probe_cache
from harness.exposures.survey import Survey, Surveyed, survey
from harness.model import Hole, Sighting, Target
from harness.report.documents.result import schema
from harness.result import SURVIVES
from harness.servers.live import LiveServer
from harness.verbs import expose

Serve = Callable[[str], LiveServer]
SERVER = "samba-4.22-smb1"


@pytest.mark.parametrize(
    ("words", "address"),
    [
        ("192.0.2.7", ("192.0.2.7", 445)),
        ("192.0.2.7:4450", ("192.0.2.7", 4450)),
        ("[::1]:4450", ("::1", 4450)),
        ("[::1]", ("::1", 445)),
    ],
)
def test_one_address(words: str, address: tuple[str, int]) -> None:
    assert expose.one_address(words) == address


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("192.0.2.0/24", "not one address"),
        ("192.0.2.1-20", "not one address"),
        ("192.0.2.1,192.0.2.2", "not one address"),
        ("192.0.2.*", "not one address"),
        ("192.0.2.1 192.0.2.2", "not one address"),
        ("192.0.2.7:0", "no port 0"),
        ("192.0.2.7:70000", "no port 70000"),
        ("no-such-name.invalid", "no address and no known name"),
    ],
)
def test_never_a_range(words: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        expose.one_address(words)


def test_a_name_with_several_addresses_is_refused_with_their_list(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"192.0.2.{last}", 445)) for last in (7, 8)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_words: found)
    with pytest.raises(UsageError, match=r"several addresses: 192\.0\.2\.7, 192\.0\.2\.8; name one"):
        expose.one_address("cluster.example")


def secret_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    file = folder / "credentials"
    file.write_text(text)
    file.chmod(mode)
    return file


def test_credentials_from_a_file(tmp_path: Path) -> None:
    text = "# who\nusername = peter\npassword = a = b \ndomain=OFFICE\n"
    login = expose.credentials(secret_file(tmp_path, text), {}, ask=False)
    assert (login.user, login.password) == ("OFFICE\\peter", "a = b")


@pytest.mark.parametrize(
    ("text", "mode", "why"),
    [
        ("username = peter\n", 0o644, "can be read by others; chmod 600"),
        ("hunter2\n", 0o600, ":1: expected username"),
        ("password = hunter2\n", 0o600, "no line username"),
        ("user = peter\n", 0o600, ":1: expected username"),
    ],
)
def test_a_file_of_credentials_that_is_wrong(tmp_path: Path, text: str, mode: int, why: str) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        expose.credentials(secret_file(tmp_path, text, mode), {}, ask=False)
    assert "hunter2" not in str(caught.value)


def test_credentials_from_the_environment_or_none() -> None:
    login = expose.credentials(None, {expose.USER: "peter", expose.PASSWORD: "secret"}, ask=False)
    assert (login.user, login.password) == ("peter", "secret")
    assert expose.credentials(None, {}, ask=False) == expose.Login()
    with pytest.raises(UsageError, match="exclude each other"):
        expose.credentials(Path("file"), {}, ask=True)


def test_a_dry_run_sends_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = rehearse("expose", f"127.0.0.1:{port}", "--dry-run", "--ask")
        server.settimeout(0.2)
        with pytest.raises(TimeoutError):
            server.accept()
    assert (done.status, done.stdout) == (0, "")
    assert "(--dry-run); it would be probed as the account that you gave;" in done.stderr
    assert "No more than this would be sent:" in done.stderr
    assert "ms17-010: over SMB1" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["--closed", "no-such-*"],
        ["--pause", "-1"],
        ["--pause", "1e9"],
        ["--pause", "nan"],
        ["--credentials", "/nowhere"],
    ],
)
def test_wrong_words_send_nothing(words: list[str]) -> None:
    done = rehearse("expose", "127.0.0.1:9", *words)
    assert (done.status, done.stdout) == (64, "")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [(), ("--platform", "windows")], ids=" ".join)
def test_nobody_there(free_port: int, words: tuple[str, ...]) -> None:
    """Also where what is known of the platform rules some holes out without an answer."""
    done = rehearse("expose", f"127.0.0.1:{free_port}", "--pause", "0", *words)
    assert done.status == 2
    assert "answered none of the probes" in done.stderr.splitlines()[-1]
    assert "RESET" in done.stderr.splitlines()[-1]


@pytest.fixture
def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def test_another_kind_of_server() -> None:
    with bad_server(speak_http) as target:
        done = rehearse("expose", f"127.0.0.1:{target.port}", "--pause", "0", "--closed", "smb1-spoken")
    assert done.status == 2
    assert "closed" not in {line.split()[0] for line in done.stdout.splitlines() if line}


def test_a_server_that_hangs_is_asked_few_times() -> None:
    """Each question costs all the time that an answer may take."""
    asked: list[int] = []

    def hang_and_count(peer: socket.socket, number: int, message: bytes) -> bool:
        asked.append(number)
        return hang(peer, number, message)

    with bad_server(hang_and_count) as target:
        done = rehearse("expose", f"127.0.0.1:{target.port}", "--pause", "0")
    assert done.status == 2
    assert "TIMEOUT" in done.stderr
    assert asked == [0] * 2


@pytest.fixture
def environment(serve: Serve) -> dict[str, str]:
    """The account of the lab."""
    target = serve(SERVER).target
    return {expose.USER: target.user, expose.PASSWORD: target.password}


@pytest.mark.local_lab
def test_a_real_server(serve: Serve, environment: dict[str, str]) -> None:
    target = serve(SERVER).target
    done = rehearse("expose", target.address, "--json", "--pause", "0", env=environment)
    assert done.status == 0, done.stderr
    document = json.loads(done.stdout)
    jsonschema.Draft202012Validator(schema()).validate(document)
    states = {one["exposure"]: one["baseline"] for one in document["exposures"]}
    assert states["smb1-spoken"] == states["ntlmv1-accepted"] == states["rap-listing"] == "open"
    assert states["lm-accepted"] == states["guest-logon"] == states["falls-over"] == "closed"
    assert states["cve-2017-7494"] == states["end-of-life"] == states["ms17-010"] == "unknown"
    assert set(states) == set(document["exposure_facts"])
    # It said what it does before it did it.
    announced = done.stderr.index("No more than this will be sent:")
    assert announced < done.stderr.index("\nsmb1-spoken: open")
    assert target.password not in done.stdout + done.stderr


def test_on_a_slow_machine_the_probes_have_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs out of time here would say nothing of the server."""
    given: list[float] = []

    def taken(_known: object, order: Survey, _heard: object) -> Surveyed:
        given.append(order.limit)
        return Surveyed({SURVIVES: Sighting(Hole.UNKNOWN, "not asked")})

    monkeypatch.setattr(expose, "survey", taken)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        words = ["expose", f"127.0.0.1:{listener.getsockname()[1]}", "--json"]
        for times in (1.0, 4.0):
            monkeypatch.setattr(expose, "pace", lambda times=times: times)
            options = parse(words)
            options.catalogue = CATALOGUE
            with pytest.raises(LabFault, match="not asked"):
                expose.expose(options)
    assert given[1] == 4 * given[0]


@pytest.mark.local_lab
def test_without_an_account_the_rest_is_unknown(serve: Serve) -> None:
    done = rehearse("expose", serve(SERVER).target.address, "--json", "--pause", "0")
    states = {one["exposure"]: one["baseline"] for one in json.loads(done.stdout)["exposures"]}
    for name in ("ntlmv1-accepted", "lm-accepted", "bad-password-guest", "encryption-not-required"):
        assert states[name] == "unknown", name
    for name in ("smb1-spoken", "anonymous-shares", "anonymous-users", "rap-listing"):
        assert states[name] == "open", (name, done.stdout)


@pytest.mark.local_lab
@pytest.mark.parametrize(
    ("names", "status"),
    [
        ("guest-*,lm-accepted", 0),
        ("smb1-spoken,guest-logon", 1),
        ("cve-2017-7494", 2),
        ("smb1-spoken,end-*", 1),
    ],
)
def test_what_must_be_closed_decides_the_status(
    serve: Serve, environment: dict[str, str], names: str, status: int
) -> None:
    words = ("--pause", "0", "--closed", names)
    assert rehearse("expose", serve(SERVER).target.address, *words, env=environment).status == status


@pytest.mark.local_lab
def test_what_the_user_knows_of_the_platform_counts(serve: Serve) -> None:
    words = ("--pause", "0", "--json", "--platform")
    for platform, state in (("windows", "closed"), ("samba", "not exposed")):
        done = rehearse("expose", serve(SERVER).target.address, *words, platform)
        states = {one["exposure"]: one["baseline"] for one in json.loads(done.stdout)["exposures"]}
        assert states["ms17-010"] == state


def test_user_and_password_can_be_typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("peter\n"))
    # It takes the terminal itself, so that nothing shows; there is none here.
    monkeypatch.setattr("getpass.getpass", lambda prompt: f"typed after {prompt}")
    login = expose.credentials(None, {expose.USER: "somebody else"}, ask=True)
    assert (login.user, login.password) == ("peter", "typed after password: ")
    assert capsys.readouterr() == ("", "user name: ")


class Watched:
    """Counts how many connections to a real server are open at a time, and notes when each began."""

    def __init__(self) -> None:
        self.peers: list[socket.socket] = []
        self.most = 0
        self.clock: Callable[[], float] = lambda: 0.0
        self.begun: list[float] = []


def hung_up(peer: socket.socket) -> bool:
    """The other end has closed it, whether or not the relay has come to notice."""
    try:
        return peer.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


@pytest.fixture
def watched(serve: Serve) -> Iterator[tuple[Watched, int]]:
    real = serve(SERVER).target
    seen = Watched()

    def answer(peer: socket.socket, number: int, message: bytes) -> bool:
        if number:
            return False
        seen.begun.append(seen.clock())
        seen.peers = [peer, *(one for one in seen.peers if not hung_up(one))]
        seen.most = max(seen.most, len(seen.peers))
        with socket.create_connection((real.address, real.port), 10) as server:
            while message and pass_on(message, server, peer):
                message = read_frame(peer)
        return False

    with bad_server(answer, seconds=10) as target:
        yield seen, target.port


@pytest.mark.local_lab
def test_one_connection_at_a_time(watched: tuple[Watched, int]) -> None:
    seen, port = watched
    done = rehearse("expose", f"127.0.0.1:{port}", "--pause", "0.01")
    assert done.status == 0, done.stderr
    assert "one connection at a time, 0.01 s between two" in " ".join(done.stderr.split())
    assert len(seen.begun) > 6
    assert seen.most == 1


@pytest.mark.local_lab
def test_between_two_connections_is_a_pause(
    watched: tuple[Watched, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that stands still but for the pauses."""
    seen, port = watched
    now = 1000.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    seen.clock = lambda: now
    monkeypatch.setattr(_probe_cache, "time", SimpleNamespace(sleep=sleep, monotonic=lambda: now))
    survey(
        CATALOGUE.exposures,
        Survey(Target("127.0.0.1", "share", "user", "secret", port, 10.0), date(2026, 11, 25), pause=0.15),
    )
    assert len(seen.begun) > 4
    assert all(later - earlier > 0.149 for earlier, later in pairwise(seen.begun))
