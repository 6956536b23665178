"""ksmbd in a Linux guest: the kernel serves, and ksmbd.mountd tells it about users and shares."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence

from impacket.ntlm import compute_nthash

from harness.errors import LabFault
from harness.labs.roots.rootfs import LAB_UID
from harness.labs.samba_conf import SHARE, Account
from harness.labs.unheeded import settings
from harness.labs.vagrant import guest_shell, ksmbd_internals
from harness.labs.vagrant.guest_server import FOLDER, START_SECONDS, GuestServer
from harness.remote.base import Remote
from harness.result import ServerFact
from harness.servers.base import ServerState
from harness.servers.ksmbd_conf import translated
from harness.servers.live import ServerInternals, Software

_PREPARE = f"""\
# the lab's folder and account
systemctl stop ksmbd 2>/dev/null || true
id rehearse >/dev/null 2>&1 || useradd -r -M -s /usr/sbin/nologin -u {LAB_UID} rehearse
mkdir -p {FOLDER}/share /etc/ksmbd
echo 'Welcome to the rehearsal.' >{FOLDER}/share/welcome.txt
chown -R rehearse: {FOLDER}/share
umask 077
cat >/etc/ksmbd/ksmbdpwd.db
"""
_CONFIGURE = """\
# ksmbd.conf
cat >/etc/ksmbd/ksmbd.conf.part
chmod 644 /etc/ksmbd/ksmbd.conf.part
mv /etc/ksmbd/ksmbd.conf.part /etc/ksmbd/ksmbd.conf
systemctl reset-failed ksmbd 2>/dev/null || true
systemctl stop ksmbd
[ "$1" = stop ] || systemctl start ksmbd
"""
# Its passwords are digests that do not change, unlike Samba's, which are dated.
_FINGERPRINT = f"""\
# fingerprint
sha256sum /etc/ksmbd/ksmbd.conf /etc/ksmbd/ksmbdpwd.db /var/lib/dpkg/status "$(modinfo -n ksmbd)"
uname -r
find {FOLDER}/share | sort
"""


class GuestKsmbd(GuestServer):
    """A ksmbd in a guest. Implements ``harness.servers.live.LiveServer``."""

    unit = "ksmbd"
    process = "ksmbd.mountd"

    @staticmethod
    def outfit(account: Account, remote: Remote) -> None:
        """Make a guest ready to serve: before its snapshot, once. Raises LabFault."""
        guest_shell.script(remote, _PREPARE, stdin=password_line(account))

    def software(self) -> Software:
        """See ``LiveServer.software``: the kernel's module is what serves; the pid is its helper's."""
        self._machine.check_kernel()
        pid = self._alive()
        inside = guest_shell.host(self._machine.remote)
        module = guest_shell.script(self._machine.remote, "modinfo -n ksmbd").strip()
        return Software(pid, str(inside.file(module).sha256sum), f"Linux {self._kernel()}")

    def shipped(self, image: str) -> Software:
        """See ``LiveServer.shipped``."""
        raise LabFault(f"the guest {self._machine.name} has no packages of {image}")

    def fact(self) -> ServerFact:
        """See ``LiveServer.fact``."""
        tools = guest_shell.host(self._machine.remote).package("ksmbd-tools").version
        return ServerFact(
            self.server.name,
            self.server.title,
            f"ksmbd of Linux {self._kernel()}",
            str(self.server.fidelity),
            packages=(f"ksmbd-tools {tools}",),
        )

    def internals(self) -> ServerInternals | None:
        """See ``LiveServer.internals``."""
        if not self.state.running:
            return None
        server = self.server
        return ksmbd_internals.look(self._machine.remote, server.emulates, server.platform.name)

    def complaints(self, before: ServerState) -> Sequence[str]:
        """See ``LiveServer.complaints``; ksmbd.mountd says so in the journal.

        What ksmbd.conf(5) does not know at all is not written: there the change is not applicable.
        """
        was, now = translated(before.conf), translated(self.state.conf)
        names = [setting.name for setting in settings(was, now)]
        said = guest_shell.script(self._machine.remote, "journalctl -b -u ksmbd --no-pager -o cat || true")
        found = re.findall(r"^.*(?:[Uu]nknown|[Ii]nvalid|[Ii]gnor)[^\n]*$", said, re.MULTILINE)
        about = (line.strip() for line in found if any(name in line for name in names))
        return tuple(f"{self.server.name} says: {line}" for line in dict.fromkeys(about))

    def _kernel(self) -> str:
        return guest_shell.script(self._machine.remote, "uname -r").strip()

    def _write(self, action: str) -> None:
        text = render(self.state, self._machine.route.address)
        guest_shell.configure(self._machine.remote, _CONFIGURE, action, text, START_SECONDS)

    def _install(self, image: str) -> None:
        raise LabFault(f"the guest {self._machine.name} has no packages of {image}")

    def _fingerprint(self) -> str:
        return guest_shell.script(self._machine.remote, _FINGERPRINT)

    def _papers(self) -> Mapping[str, str]:
        return {
            "ksmbd.conf": "cat /etc/ksmbd/ksmbd.conf",
            "kernel.log": "dmesg",
        }


def password_line(account: Account) -> str:
    """The account's line of ksmbdpwd.db(5): the MD4 of its password in UTF-16LE, in Base64.

    ksmbd.adduser(8) makes the same, and takes the password as an argument, where every process can read it.
    """
    return f"{account.user}:{base64.b64encode(compute_nthash(account.password)).decode()}\n"


def render(state: ServerState, address: str) -> str:
    """ksmbd.conf(5): what the lab needs, then what the base configuration and mitigations say.

    Raises LabFault for a setting that ksmbd has not: such a change must not come so far.
    """
    try:
        settings, share = translated(state.conf).lines()
    except ValueError as unknown:
        raise LabFault(str(unknown)) from unknown
    # It binds to devices, not to addresses (ksmbd.conf(5), interfaces); the guest has one card.
    lines = [
        "[global]",
        f"; serves {address}",
        "tcp port = 445",
        *settings,
        f"[{SHARE}]",
        f"path = {FOLDER / 'share'}",
        "read only = no",
        "force user = rehearse",
        *share,
    ]
    return "\n".join(lines) + "\n"
