"""A real sshd for tests: unprivileged, on a free port of one address, with keys and an account of its own.

It runs in mount and process namespaces of its own: its /etc/passwd names the one account, and when it is
stopped the kernel ends every session with it.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import passable
import pytest
from private_lab import own_mounts

from harness.labs.namespace import maps_lab_uid
from harness.labs.roots.rootfs import LAB_UID
from harness.model import GuestRoute
from harness.system.deadline import wait_for
from harness.system.process import finish, kill_group, run, start

UNPACKED = Path(sys.prefix, "sshd")
"""Where ./test has unpacked the server of a machine that has none (requirements/test-sshd.sh)."""
USER = "tester"
PASSWORD = "correct horse"


class Sshd:
    """``with Sshd(folder) as sshd``: ``sshd.route`` leads to it. ``shell`` runs the commands."""

    def __init__(self, folder: Path, shell: str = "/bin/sh", address: str = "127.0.0.1") -> None:
        self._root = "" if os.access("/usr/sbin/sshd", os.X_OK) else str(UNPACKED)
        if self._root and not (UNPACKED / "done").exists():
            pytest.skip("needs Debian's openssh-server: run ./test")
        if os.geteuid() != 0:
            pytest.skip("needs the lab's private namespace: run ./test")
        self.folder = folder
        self._shell = shell
        self.address = address
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind((address, 0))
            self.port = int(free.getsockname()[1])
        folder.chmod(0o755)
        self.new_host_key()
        self.key = self._new_key("client")
        shutil.copy(f"{self.key}.pub", folder / "authorized_keys")
        self._write_passwd()
        (folder / "sshd_config").write_text(
            f"ListenAddress {address}\nPort {self.port}\nHostKey {folder}/host\nPidFile none\nUsePAM no\n"
            f"StrictModes no\nAuthorizedKeysFile {folder}/authorized_keys\nLogLevel VERBOSE\n"
            "Subsystem sftp internal-sftp\nAcceptEnv *\nMaxStartups 100\nMaxSessions 100\n"
            + self._own_parts()
        )
        (folder / "sshd_config").chmod(0o644)

    @property
    def route(self) -> GuestRoute:
        """How to get in with the key."""
        return GuestRoute("guest", self.address, self.port, USER, key=str(self.key))

    def with_password(self, password: str = PASSWORD) -> GuestRoute:
        """How to get in with a password."""
        return GuestRoute("guest", self.address, self.port, USER, password=password)

    def new_host_key(self) -> None:
        """From the next start on it is another machine, for all that a client can tell."""
        self._new_key("host")

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        argv = [*own_mounts(), "--pid", "--fork", "--kill-child"]
        become = (
            f"setpriv --reuid={LAB_UID} --regid={LAB_UID} --clear-groups"
            if maps_lab_uid()
            else f"unshare --user --map-user={LAB_UID} --map-group={LAB_UID}"
        )
        script = f'mount --bind "$1" /etc/passwd && exec {become} "$3" -D -e -f "$2"'
        files = [self.folder / "passwd", self.folder / "sshd_config", Path(f"{self._root}/usr/sbin/sshd")]
        # It is another user, who may not enter a checkout below root's home, say.
        words = passable.command(["sh", "-c", script, "sh", *files], [self.folder, Path(self._root or "/")])
        env = {**self._environment, **passable.ENVIRONMENT}
        self._process = start([*argv, *words], output=self.folder / "sshd.log", env=env)
        wait_for("the tests' sshd", self._listens, 20.0)

    def stop(self) -> None:
        """End it and every session of it."""
        if self._process is not None:
            kill_group(self._process.pid)
            finish(self._process, 5.0)
            self._process = None
            wait_for("the end of the tests' sshd", lambda: not self._answers(), 5.0)

    def log(self) -> str:
        """What it has said."""
        return (self.folder / "sshd.log").read_text(errors="replace")

    def __enter__(self) -> Sshd:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def _environment(self) -> dict[str, str]:
        """What programs that are only unpacked need to find their parts."""
        if not self._root:
            return {}
        libraries = [str(path) for path in Path(self._root).glob("usr/lib/*-linux-gnu*")]
        libraries += [str(path) for path in Path(self._root).glob("lib/*-linux-gnu*")]
        path = f"{os.environ['PATH']}:{self._root}/usr/bin"
        return {"LD_LIBRARY_PATH": ":".join(libraries), "PATH": path}

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log()
        return self._answers()

    def _own_parts(self) -> str:
        """Where its own parts are, of OpenSSH 9.8 and later; sshd_config(5)."""
        parts = {"SshdSessionPath": "sshd-session", "SshdAuthPath": "sshd-auth"}
        places = {option: f"{self._root}/usr/lib/openssh/{name}" for option, name in parts.items()}
        there = {option: path for option, path in places.items() if self._root and Path(path).exists()}
        return "".join(f"{option} {path}\n" for option, path in there.items())

    def _answers(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1.0)
            return probe.connect_ex((self.address, self.port)) == 0

    def _new_key(self, name: str) -> Path:
        path = self.folder / name
        for old in (path, self.folder / f"{name}.pub"):
            with suppress(FileNotFoundError):
                old.unlink()
        argv: list[str | Path] = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path]
        run(argv, timeout=20, env=self._environment).check("ssh-keygen")
        # sshd refuses a host key that others may read, so it belongs to the user that sshd runs as.
        if maps_lab_uid():
            os.chown(path, LAB_UID, LAB_UID)
        return path

    def _write_passwd(self) -> None:
        # crypt(3) as SHA-512; Python has it no more.
        made = run(["perl", "-e", "print crypt($ARGV[0], '$6$rehearsal$')", PASSWORD], timeout=20).check(
            "perl"
        )
        line = f"{USER}:{made.stdout.strip()}:{LAB_UID}:{LAB_UID}::{self.folder}:{self._shell}\n"
        (self.folder / "passwd").write_text("root:x:0:0:root:/:/bin/sh\n" + line)
