"""SSH to a real sshd: commands, streams, deadlines, keys, and connections that die."""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from local_sshd import PASSWORD, Sshd
from overtime import cut_off

from harness.errors import LabFault
from harness.model import GuestRoute
from harness.remote import ssh
from harness.remote.ssh import SshRemote
from harness.system.process import redact


@pytest.fixture(scope="module")
def sshd() -> Iterator[Sshd]:
    """One sshd for the tests that leave it as it was."""
    with tempfile.TemporaryDirectory() as folder, Sshd(Path(folder)) as server:
        yield server


@pytest.fixture
def own_sshd() -> Iterator[Sshd]:
    """One that the test may stop and start."""
    with tempfile.TemporaryDirectory() as folder, Sshd(Path(folder)) as server:
        yield server


@pytest.fixture
def remote(sshd: Sshd) -> Iterator[SshRemote]:
    with closing(SshRemote(sshd.route)) as made:
        yield made


def test_streams_and_status_come_back_apart(remote: SshRemote) -> None:
    result = remote.run("echo out; echo err >&2; exit 3", timeout=20)
    assert (result.status, result.stdout, result.stderr) == (3, "out\n", "err\n")
    assert not result.ok
    assert result.command == "echo out; echo err >&2; exit 3"


def test_small_packets_leave_at_once(remote: SshRemote) -> None:
    """Else each part of a command waits for the guest to acknowledge the one before: 48 ms in place of 6."""
    assert remote.run("exit 0", timeout=20).ok
    transport = remote._client and remote._client.get_transport()
    assert transport
    assert isinstance(transport.sock, socket.socket)
    assert transport.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_stdin_goes_in_whole_beside_a_large_answer(remote: SshRemote) -> None:
    # Larger than any window of either side: writing first and reading later would never end.
    text = "0123456789abcde\n" * 400_000
    result = remote.run("cat", timeout=60, stdin=text)
    assert result.ok
    assert result.stdout == text


def test_a_program_need_not_read_its_stdin(remote: SshRemote) -> None:
    assert remote.run("exit 0", timeout=20, stdin="x" * 10_000_000).status == 0


def test_a_program_that_waits_for_stdin_sees_its_end(remote: SshRemote) -> None:
    assert remote.run("cat; echo done", timeout=20).stdout == "done\n"


def test_the_deadline_ends_the_command_too(remote: SshRemote, sshd: Sshd) -> None:
    mark = sshd.folder / "pid"
    began = f"echo $$ > /tmp/{mark.parent.name}.pid; echo began; exec sleep 600"
    result = cut_off(lambda seconds: remote.run(began, timeout=seconds), 0.7)
    assert result.status is None
    assert result.stdout == "began\n"
    check = f"while kill -0 $(cat /tmp/{mark.parent.name}.pid) 2>&-; do sleep 0.01; done; echo gone"
    assert remote.run(check, timeout=20).stdout == "gone\n"
    remote.run(f"rm /tmp/{mark.parent.name}.pid", timeout=20).check("rm")


def test_a_command_that_a_signal_ended_is_no_success(remote: SshRemote) -> None:
    result = remote.run("kill -9 $$", timeout=20)
    assert result.status is not None
    assert result.status < 0


def test_one_connection_serves_many_threads(own_sshd: Sshd) -> None:
    with closing(SshRemote(own_sshd.route)) as remote, ThreadPoolExecutor(8) as threads:
        said = list(threads.map(lambda n: remote.run(f"echo {n}", timeout=60).stdout, range(40)))
    assert said == [f"{number}\n" for number in range(40)]
    assert own_sshd.log().count("Accepted publickey") == 1


def test_a_connection_that_is_only_slow_keeps_its_commands(
    own_sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One thread gives the connection up; what another one runs over it must not suffer."""
    with closing(SshRemote(own_sshd.route)) as remote, ThreadPoolExecutor(1) as threads:
        mark = f"/tmp/{own_sshd.folder.name}.go"
        until = f"until test -e {mark}.on; do sleep 0.01; done"
        began = f"echo began > {mark}; {until}; echo ended; rm {mark} {mark}.on"
        running = threads.submit(remote.run, began, timeout=60)
        with closing(SshRemote(own_sshd.route)) as other:
            other.run(f"until test -s {mark}; do sleep 0.01; done", timeout=30).check("the beginning")
        first = remote._client
        slow = iter([EOFError("no answer in time")])
        through = ssh._transport

        def transport(client: object) -> object:
            for error in slow:
                raise error
            return through(client)  # type: ignore[arg-type]

        monkeypatch.setattr(ssh, "_transport", transport)
        assert remote.run(f"touch {mark}.on", timeout=30).ok
        assert remote._client is not first
        assert running.result().stdout == "ended\n"


def test_a_file_arrives_whole(remote: SshRemote) -> None:
    data = bytes(range(256)) * 4096
    made = remote.run("mktemp", timeout=20).stdout.strip()
    remote.put(made, data)
    assert remote.run(f"cksum < {made}; rm {made}", timeout=20).stdout.split()[1] == str(len(data))
    with pytest.raises(LabFault, match=r"guest: cannot write /nowhere/file: .+"):
        remote.put("/nowhere/file", data)


def test_a_connection_that_died_is_replaced_once(own_sshd: Sshd) -> None:
    with closing(SshRemote(own_sshd.route)) as remote:
        assert remote.run("echo before", timeout=20).ok
        own_sshd.stop()
        own_sshd.start()
        assert remote.run("echo after", timeout=20).stdout == "after\n"
        own_sshd.stop()
        with pytest.raises(LabFault, match="nothing listens there"):
            remote.run("echo never", timeout=20)
        own_sshd.start()
        assert remote.run("echo again", timeout=20).ok


def test_a_file_is_put_over_a_connection_that_died(own_sshd: Sshd) -> None:
    with closing(SshRemote(own_sshd.route)) as remote:
        remote.run("true", timeout=20)
        own_sshd.stop()
        own_sshd.start()
        made = remote.run("mktemp", timeout=20).stdout.strip()
        own_sshd.stop()
        own_sshd.start()
        remote.put(made, b"x")
        assert remote.run(f"cat {made}; rm {made}", timeout=20).stdout == "x"


def test_a_command_that_has_begun_is_never_sent_twice(own_sshd: Sshd) -> None:
    began = threading.Event()
    count = "/tmp/" + own_sshd.folder.name + ".count"
    with closing(SshRemote(own_sshd.route)) as remote, closing(SshRemote(own_sshd.route)) as watch:
        with ThreadPoolExecutor(1) as threads:
            running = threads.submit(remote.run, f"echo once >> {count}; sleep 600", timeout=60)
            seen = f"until test -s {count}; do sleep 0.01; done"
            watch.run(seen, timeout=30).check("the command's beginning")
            began.set()
            own_sshd.stop()
            with pytest.raises(LabFault, match=r"guest: the connection broke under 'echo once"):
                running.result()
        own_sshd.start()
        assert watch.run(f"cat {count}; rm {count}", timeout=20).stdout == "once\n"


def test_another_host_key_is_refused(own_sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    with closing(SshRemote(own_sshd.route, known)) as remote, closing(SshRemote(own_sshd.route)) as bare:
        assert remote.run("true", timeout=20).ok
        assert bare.run("true", timeout=20).ok
        assert known.read_text().startswith(f"[127.0.0.1]:{own_sshd.port} ssh-ed25519 ")
        own_sshd.stop()
        own_sshd.new_host_key()
        own_sshd.start()
        for one in (remote, bare, SshRemote(own_sshd.route, known)):
            with pytest.raises(LabFault, match="another host key than before"):
                one.run("true", timeout=20)
    assert len(known.read_text().splitlines()) == 1


def test_a_pinned_guest_is_let_in_again(sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    for _ in range(2):
        with closing(SshRemote(sshd.route, known)) as remote:
            assert remote.run("true", timeout=20).ok
    assert len(known.read_text().splitlines()) == 1


def test_a_password_opens_too_and_never_shows(sshd: Sshd, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with closing(SshRemote(sshd.with_password())) as remote:
        result = remote.run(f"echo '{PASSWORD}'", timeout=20)
    assert result.stdout == "***\n"
    assert "ssh guest: echo '***' -> 0 in" in caplog.text
    assert PASSWORD not in caplog.text + result.command
    assert PASSWORD not in repr(sshd.with_password())


def refused(route: GuestRoute, timeout: float = 20.0) -> str:
    """The one line that a connection which cannot be made ends with."""
    with closing(SshRemote(route)) as remote, pytest.raises(LabFault) as caught:
        remote.run("true", timeout=timeout)
    line = str(caught.value)
    assert "\n" not in line
    assert f"guest (127.0.0.1 port {route.port})" in line
    return line


def test_why_a_guest_cannot_be_entered_is_told_in_one_line(sshd: Sshd, tmp_path: Path) -> None:
    wrong = sshd.with_password("not-the-password")
    assert "tester is not let in with the lab's password" in refused(wrong)
    stranger = replace(sshd.route, user="stranger")
    assert f"stranger is not let in with the key {sshd.key}" in refused(stranger)
    assert "No such file or directory" in refused(replace(sshd.route, key=str(tmp_path / "absent")))
    broken = tmp_path / "broken"
    broken.write_text("no key at all")
    assert "no SSH: " in refused(replace(sshd.route, key=str(broken)))


def test_a_guest_that_does_not_speak_ssh_is_told_from_one_that_is_down(sshd: Sshd) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        route = replace(sshd.route, port=listener.getsockname()[1])
        assert "nothing listens there" in refused(route)
        # Connections are taken by the kernel, and nobody ever says a word.
        listener.listen()
        assert "TCP connects but no SSH banner comes" in refused(route, timeout=1.0)


def test_nothing_is_left_when_it_is_closed(sshd: Sshd) -> None:
    remote = SshRemote(sshd.route)
    assert remote.run("true", timeout=20).ok
    (ours,) = [thread for thread in threading.enumerate() if thread.name.startswith("Thread-")][-1:]
    remote.close()
    remote.close()
    ours.join(60)
    assert not ours.is_alive()
    assert remote.run("echo back", timeout=20).stdout == "back\n"
    remote.close()


def test_the_log_line_of_a_long_command_is_short(remote: SshRemote) -> None:
    result = remote.run("true " + "x" * 5000, timeout=20)
    assert result.ok
    assert len(result.command) == ssh.SHOWN


def test_secrets_are_known_before_anything_is_sent() -> None:
    SshRemote(GuestRoute("guest", "127.0.0.1", 1, "u", password="swordfish-77"))
    assert redact("it is swordfish-77") == "it is ***"
    for user in ("vagrant", "IEUser"):
        SshRemote(GuestRoute("guest", "127.0.0.1", 1, user, password="vagrant"))
    assert redact("vagrant up") == "vagrant up"
