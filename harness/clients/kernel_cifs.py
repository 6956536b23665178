"""The SMB client of the Linux kernel (cifs.ko), in a guest: ``mount -t cifs`` with each ``vers=``."""

from __future__ import annotations

import secrets
import shlex
import socket
from functools import cache

from harness.clients import _guest
from harness.clients._kernel_judge import judge
from harness.clients._kernel_log import Report, read
from harness.clients.base import Client, Log, Offer
from harness.errors import LabFault, Unsupported
from harness.model import Check, ClientPolicy, Dialect, Evidence, Fidelity, Target, Tier
from harness.smb import footprint, sink
from harness.system import resources
from harness.system.process import Result

GUEST = "kernel-client"
"""The guest, as the Vagrantfile calls it."""


class KernelCifs(Client):
    """Mounts the share, lists it, and writes, reads and deletes a file in it."""

    fidelity = Fidelity.REAL
    guest = GUEST
    labs = frozenset({Tier.VAGRANT})
    checks = frozenset({Check.OPEN, Check.WRITE})
    cannot = dict.fromkeys(
        (Check.RENAME, Check.PERMISSIONS, Check.LOCK, Check.LARGE),
        "the kernel can, and the commands that this lab gives its guest do not",
    )
    smb1_removable = "the kernel's client speaks SMB1 only where vers=1.0 was asked for (mount.cifs(8))"

    def __init__(self, name: str, version: str, lowest: Dialect, highest: Dialect) -> None:
        """``version``: the word behind vers=; "" for the kernel's own choice."""
        self.name = name
        self.version = version
        how = f"vers={version}" if version else "no vers= given"
        self.title = f"the Linux kernel's own SMB client in a virtual machine, {how}"
        self.policy = ClientPolicy(
            smb1=lowest is Dialect.NT1, min_dialect=lowest, max_dialect=highest, ntlmv2_only=True
        )
        self.evidence = (
            Evidence(f"{how}: {lowest} to {highest}", "mount.cifs(8), vers; measured on Linux 6.1"),
            Evidence("sec=ntlmssp, which is NTLMv2", "mount.cifs(8), sec"),
        )

    def software(self, target: Target | None = None) -> str:
        if target is None or target.guest(GUEST) is None:
            return ""
        said = _guest.remote(target, GUEST).run("uname -r", timeout=target.seconds).check("uname")
        return f"Linux {said.stdout.strip()} cifs.ko"

    def perform(self, check: Check, target: Target, policy: ClientPolicy, log: Log) -> None:
        name = f"rehearsal-{secrets.token_hex(6)}.txt"
        report = self._report(check, target, self._options(target, policy), name)
        judge(report, str(check), name, log)

    def by_hand(self, check: Check, target: Target, policy: ClientPolicy) -> tuple[str, ...]:
        options = self._options(target, policy)
        where = f"//{target.address}/{target.share}"
        tried = "ls /mnt" if check is Check.OPEN else "touch /mnt/by-hand.txt && rm /mnt/by-hand.txt"
        # In its guest, which knows no $PASSWD: it is asked for.
        return (f"sudo mount -t cifs {where} /mnt -o {options}", f"sudo sh -c '{tried}'; sudo umount /mnt")

    def offer(self, policy: ClientPolicy, target: Target) -> Offer:
        options = self._options(target, policy)
        # The guest must reach us: not loopback but our address on its network.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((_guest.route(target, GUEST).address, 9))
            ours = str(probe.getsockname()[0])

        def start(address: str, port: int) -> Result:
            return self._run(Check.OPEN, target, f"{options},port={port}", "none", address)

        return sink.observe(start, target.seconds, ours)

    def _options(self, target: Target, policy: ClientPolicy) -> str:
        """The mount options for a policy. Raises Unsupported for what has none."""
        own = self.policy
        if not policy.guest:
            raise Unsupported("the kernel's client has no setting to refuse guest sessions")
        lowest = max(own.min_dialect, policy.min_dialect, key=list(Dialect).index)
        highest = min(own.max_dialect, policy.max_dialect, key=list(Dialect).index)
        if list(Dialect).index(lowest) > list(Dialect).index(highest):
            raise Unsupported(f"this policy leaves {self.name} no dialect")
        if (lowest, highest) != (own.min_dialect, own.max_dialect):
            raise Unsupported(f"{self.name} mounts with a vers= of its own")
        words = [f"username={target.user}", "nosharesock", "soft"]
        if self.version:
            words.append(f"vers={self.version}")
        if policy.require_signing:
            words.append("sec=ntlmsspi")
        if policy.require_encryption:
            words.append("seal")
        return ",".join(words)

    def _report(self, check: Check, target: Target, options: str, name: str) -> Report:
        done = self._run(check, target, options, name, target.address)
        if not done.ok:
            raise LabFault(f"the guest {GUEST} could not try: {done.stderr.strip()[-200:] or done.status}")
        try:
            report = read(done.stdout)
        except ValueError as error:
            raise LabFault(f"the guest {GUEST}: {error}") from error
        footprint.came_from(_guest.route(target, GUEST).address, report.ports)
        footprint.said("mount.cifs and its kernel", done)
        return report

    def _run(self, check: Check, target: Target, options: str, name: str, address: str) -> Result:
        each = str(max(1, int(target.seconds / 2)))
        words = (address, target.share, options, str(check), name, each)
        line = f"sudo -n sh -c {shlex.quote(_script())} mount_cifs {' '.join(map(shlex.quote, words))}"
        return _guest.remote(target, GUEST).run(line, timeout=target.seconds, stdin=f"{target.password}\n")


@cache
def _script() -> str:
    return resources.path("clients", "programs", "mount_cifs.sh").read_text()


CLIENTS = (
    KernelCifs("linux-cifs-kernel-1.0", "1.0", Dialect.NT1, Dialect.NT1),
    KernelCifs("linux-cifs-kernel-2.1", "2.1", Dialect.SMB2_10, Dialect.SMB2_10),
    KernelCifs("linux-cifs-kernel-3.0", "3.0", Dialect.SMB3_00, Dialect.SMB3_00),
    KernelCifs("linux-cifs-kernel-3.1.1", "3.1.1", Dialect.SMB3_11, Dialect.SMB3_11),
    KernelCifs("linux-cifs-kernel-default", "", Dialect.SMB2_10, Dialect.SMB3_11),
)
