"""Whose server an address may be: what is probed at once, what is asked about, and what is refused.

No test sends anything to a stranger: what runs to its end runs in a network that has nothing but ``lo``.
"""

from __future__ import annotations

import socket

import private_lab
import pytest
from commandline import Terminal, rehearse

from harness.errors import UsageError
from harness.exposures.survey import Survey
from harness.verbs import consent, expose
from harness.verbs.consent import Standing

PUBLIC = "8.8.8.8"
SHARED = "100.64.0.7"
"""Of RFC 6598: neither private nor public."""


@pytest.fixture
def only_lo() -> None:
    private_lab.needed()


@pytest.mark.parametrize(
    ("words", "where"),
    [
        *[(address, Standing.NEAR) for address in ("127.0.0.1", "127.5.6.7", "10.1.2.3", "172.31.0.1")],
        *[(address, Standing.NEAR) for address in ("192.168.0.7", "169.254.3.4", "[::1]", "[fd00::7]")],
        *[(address, Standing.NEAR) for address in ("[fe80::1%lo]", "[::ffff:10.1.2.3]", "[::ffff:7f00:1]")],
        # inet_aton(3) takes one number, hexadecimal and octal ones, and fewer than four.
        *[(address, Standing.NEAR) for address in ("2130706433", "0x7f.1", "0300.0250.0.7", "10.1")],
        *[(address, Standing.ELSEWHERE) for address in (SHARED, "192.0.2.7", "198.18.0.1", "240.0.0.1")],
        *[(address, Standing.ELSEWHERE) for address in ("[2001:db8::7]", "[::ffff:192.0.2.7]", "0.0.0.7")],
        *[(address, Standing.PUBLIC) for address in (PUBLIC, "134744072", "0x08080808", "[2600::1]")],
        # Looks private, and is not.
        *[(address, Standing.PUBLIC) for address in ("010.0.0.1", "[::ffff:8.8.8.8]", "172.32.0.1")],
        *[(address, Standing.NOBODY) for address in ("0.0.0.0", "[::]", "255.255.255.255", "224.0.0.251")],
        *[(address, Standing.NOBODY) for address in ("[ff02::1]", "[::ffff:224.0.0.1]", "4294967295")],
    ],
)
def test_whose_an_address_may_be(words: str, where: Standing) -> None:
    address, _port = expose.one_address(words)
    assert consent.standing(address) is where


@pytest.fixture
def probed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that would have been probed; in place of all that sends."""
    made: list[str] = []

    def stand_in(_known: object, order: Survey, *_rest: object) -> None:
        made.append(order.target.address)
        raise UsageError("probed")

    monkeypatch.setattr(expose, "survey", stand_in)
    return made


def ask(monkeypatch: pytest.MonkeyPatch, answer: str | None, words: list[str]) -> str:
    """What ``expose`` says to that on a terminal where this is answered, or without one."""
    from harness.cli import main as cli

    class Keyboard:
        def isatty(self) -> bool:
            return answer is not None

        def readline(self) -> str:
            assert answer is not None, "nobody is there to be asked"
            return answer

    monkeypatch.setattr("sys.stdin", Keyboard())
    monkeypatch.setattr("sys.stderr.isatty", Keyboard().isatty)
    options = cli.parse(["expose", *words])
    with pytest.raises(UsageError) as caught:
        options.verb(options)
    return str(caught.value)


OWNED = "--i-own-this-server"


@pytest.mark.parametrize(
    ("address", "owned", "answer", "sent"),
    [
        *[("127.0.0.1", owned, answer, True) for owned in (False, True) for answer in (None, "no\n")],
        ("10.1.2.3", False, None, True),
        (SHARED, False, None, False),
        (SHARED, False, "no\n", False),
        (SHARED, False, "\n", False),
        (SHARED, False, "", False),
        (SHARED, False, "y\n", False),
        (SHARED, False, "yes\n", True),
        (SHARED, True, None, True),
        (SHARED, True, "no\n", True),
        *[(PUBLIC, False, answer, False) for answer in (None, "no\n", "yes\n")],
        (PUBLIC, True, None, True),
        (PUBLIC, True, "no\n", False),
        (PUBLIC, True, "Yes\n", True),
        *[("224.0.0.251", owned, "yes\n", False) for owned in (False, True)],
    ],
)
def test_what_is_probed(
    monkeypatch: pytest.MonkeyPatch,
    probed: list[str],
    address: str,
    owned: bool,
    answer: str | None,
    sent: bool,
) -> None:
    said = ask(monkeypatch, answer, [address, *([OWNED] if owned else [])])
    assert probed == [address] * sent
    assert (said == "probed") is sent


def test_a_name_counts_as_the_address_that_it_stands_for(
    monkeypatch: pytest.MonkeyPatch, probed: list[str]
) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (PUBLIC, 445))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_words: found)
    said = ask(monkeypatch, "yes\n", ["files.example"])
    assert said.startswith(f"files.example is {PUBLIC}, which is a public address: nothing was sent; ")
    assert OWNED in said
    assert probed == []


@pytest.mark.usefixtures("only_lo")
def test_a_dry_run_of_a_public_address_needs_no_option() -> None:
    done = rehearse("expose", PUBLIC, "--dry-run")
    assert (done.status, done.stdout) == (0, "")
    assert f"nothing is sent to {PUBLIC} port 445 (--dry-run); it would be probed as no acc" in done.stderr
    assert "No more than this would be sent:" in done.stderr


@pytest.mark.usefixtures("only_lo")
@pytest.mark.parametrize("words", [(PUBLIC,), (SHARED,), ("0x08080808",), ("[ff02::1]", OWNED)], ids=" ".join)
def test_without_a_terminal_it_is_refused_before_anything_is_sent(words: tuple[str, ...]) -> None:
    done = rehearse("expose", *words)
    assert (done.status, done.stdout) == (64, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("rehearse: ")


@pytest.mark.usefixtures("only_lo")
@pytest.mark.parametrize(("answer", "status"), [(b"no\n", 64), (b"yes\n", 2)])
def test_it_asks_after_it_has_said_what_it_sends(answer: bytes, status: int) -> None:
    """With a yes it goes on, and finds no way out of here."""
    terminal = Terminal("", "expose", SHARED, "--pause", "0")
    terminal.type(answer)
    shown = terminal.rest()
    assert terminal.process.wait(120) == status, shown
    assert "Traceback" not in shown
    assert shown.index("No more than this will be sent:") < shown.index("Is this server yours")
    assert ("nothing was sent" in shown) is (status == 64)
