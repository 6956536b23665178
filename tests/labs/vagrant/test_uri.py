"""Which libvirts the lab takes, and that nothing in a URI becomes an option of ssh."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.labs.vagrant.uri import VARIABLE, parse, wanted


@pytest.mark.parametrize(
    ("text", "transport", "where"),
    [
        ("qemu+ssh://lab@host:2222/system", "ssh", "lab@host"),
        ("qemu+ssh://[::1]/system", "ssh", "::1"),
        ("qemu:///system", "unix", "this machine's libvirt"),
        ("qemu+unix:///system?socket=/run/x", "unix", "this machine's libvirt"),
        ("qemu+tcp://host:16509/system", "tcp", "host"),
        ("qemu://host/system", "tls", "host"),
    ],
)
def test_what_is_taken(text: str, transport: str, where: str) -> None:
    found = parse(text)
    assert (found.transport, found.where, found.text) == (transport, where, text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("host", "does not begin with qemu"),
        ("xen+ssh://host/system", "does not begin with qemu"),
        ("qemu+ssh://host/session", "not /system"),
        ("qemu+ssh://host", "path is missing"),
        ("qemu+ssh:///system", "names no host"),
        ("qemu+unix://host/system", "not reached by unix"),
        ("qemu+libssh2://host/system", "none of ssh, unix"),
        ("qemu+ssh://host:port/system", "Port"),
        ("qemu+ssh://host:70000/system", "Port out of range"),
        ("qemu+ssh://[::1/system", "IPv6"),
        ("qemu+ssh://host/system?keyfile", "not name=value"),
        ("qemu+unix:///system?socket=here", "must begin with /"),
        ("qemu+ssh://-oProxyCommand=x/system", "called so"),
        ("qemu+ssh://-l@host/system", "called so"),
        ("qemu+ssh://a%20b@host/system", "called so"),
        ("qemu+ssh://host/system\n", "called so"),
    ],
)
def test_what_is_not(text: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "qemu+ssh://HOST/system" in caught.value.hint


def test_what_ssh_is_told() -> None:
    words = parse("qemu+ssh://lab@host:2222/system?keyfile=/k&no_verify=1").destination
    assert words[-2:] == ["--", "host"]
    assert {"2222", "lab", "/k", "StrictHostKeyChecking=no"} <= set(words)
    assert parse("qemu+ssh://host/system").destination == ["--", "host"]


@given(st.text(max_size=40), st.text(max_size=20))
def test_nothing_else_escapes(text: str, host: str) -> None:
    for tried in (text, f"qemu+ssh://{host}/system", f"qemu+ssh://{host}@h/system?{text}"):
        with suppress(UsageError):
            found = parse(tried)
            assert not found.host.startswith("-")
            assert not found.user.startswith("-")


def test_the_environment_names_it_where_no_option_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIBVIRT_DEFAULT_URI", "qemu+ssh://virsh/system")
    monkeypatch.delenv(VARIABLE, raising=False)
    assert wanted(None) is None
    monkeypatch.setenv(VARIABLE, "qemu+ssh://one/system")
    assert wanted(None) == parse("qemu+ssh://one/system")
    assert wanted("qemu+ssh://two/system") == parse("qemu+ssh://two/system")
    monkeypatch.setenv(VARIABLE, "")
    assert wanted(None) is None
    with pytest.raises(UsageError, match="names no libvirt"):
        wanted("")
