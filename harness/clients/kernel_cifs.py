"""The SMB client of the Linux kernel (cifs.ko), in a guest: ``mount -t cifs`` with each ``vers=``."""

from __future__ import annotations

import secrets
import shlex
import socket
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from harness.clients import _guest
from harness.clients import _kerberos as kerberos
from harness.clients.base import Client, Log, Offer
from harness.errors import LabFault, Unsupported
from harness.model import BY_NAMES, Check, ClientPolicy, Dialect, Evidence, Fidelity, Target, Tier
from harness.smb import footprint, sink
from harness.system import resources
from harness.system.process import Result

if TYPE_CHECKING:
    from harness.clients._kernel_log import Report

GUEST = "kernel-client"
"""The guest, as the Vagrantfile calls it."""


class KernelCifs(Client):
    """Mounts the share, lists it, and writes, reads and deletes a file in it."""

    fidelity = Fidelity.REAL
    guest = GUEST
    one_at_a_time = True
    labs = frozenset({Tier.VAGRANT})
    checks = frozenset({Check.OPEN, Check.WRITE}) | BY_NAMES
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
        from harness.clients._kernel_judge import judge

        name = _new_file()
        report = self._report(check, target, self._options(target, policy), name)
        judge(report, str(check), name, log)

    def by_hand(self, check: Check, target: Target, policy: ClientPolicy) -> tuple[str, ...]:
        options = self._options(target, policy)
        where = f"//{target.called}/{target.share}"
        tried = "ls /mnt" if check is Check.OPEN else "touch /mnt/by-hand.txt && rm /mnt/by-hand.txt"
        # In its guest, which knows no $PASSWD: it is asked for.
        return (f"sudo mount -t cifs {where} /mnt -o {options}", f"sudo sh -c '{tried}'; sudo umount /mnt")

    def offer(self, policy: ClientPolicy, target: Target) -> Offer:
        options = self._options(target, policy)

        def start(address: str, port: int) -> Result:
            there = replace(target, address=address, name="")
            return self._run(Check.OPEN, there, f"{options},port={port}", "none")

        return sink.observe(start, target.seconds, self._ours(target))

    def _ours(self, target: Target) -> str:
        """Our own address on the network of the guest, which does not reach our loopback device."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((_guest.route(target, GUEST).address, 9))
            return str(probe.getsockname()[0])

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
        if target.workgroup:
            words.append(f"domain={target.workgroup}")
        if target.name:
            words.append(f"ip={target.address}")
        if self.version:
            words.append(f"vers={self.version}")
        words += self._security(policy)
        if policy.require_encryption:
            words.append("seal")
        return ",".join(words)

    def _security(self, policy: ClientPolicy) -> list[str]:
        """How it logs on, as sec= of mount.cifs(8)."""
        return ["sec=ntlmsspi"] if policy.require_signing else []

    def _report(self, check: Check, target: Target, options: str, name: str, kdc: str = "") -> Report:
        """``kdc``: where the KDC is for whoever logs on with a ticket; "" for nobody."""
        from harness.clients._kernel_log import read

        done = self._run(check, target, options, name, kdc)
        if not done.ok:
            raise LabFault(f"the guest {GUEST} could not try: {done.stderr.strip()[-200:] or done.status}")
        try:
            report = read(done.stdout)
        except ValueError as error:
            raise LabFault(f"the guest {GUEST}: {error}") from error
        footprint.came_from(_guest.route(target, GUEST).address, report.ports)
        footprint.said("mount.cifs and its kernel", done)
        return report

    def _run(self, check: Check, target: Target, options: str, name: str, kdc: str = "") -> Result:
        each = str(max(1, int(target.seconds / 2)))
        domain = target.domain if kdc else None
        principal = f"{target.user}@{domain.realm}" if domain else ""
        words = (target.called, target.share, options, str(check), name, each, principal)
        line = f"sudo -n sh -c {shlex.quote(_script())} mount_cifs {' '.join(map(shlex.quote, words))}"
        conf = kerberos.krb5_conf(domain.realm, kdc) if domain else ""
        stdin = f"{target.password}\n{conf}"
        return _guest.remote(target, GUEST).run(line, timeout=target.seconds, stdin=stdin)


class KernelKerberos(KernelCifs):
    """With ``sec=krb5``: kinit(1) fetches the first ticket, cifs.upcall(8) that for the server.

    The kernel asks cifs.upcall(8) for a ticket (request-key(8)) once it knows that the server takes Kerberos.
    """

    in_domain_alone = True

    def __init__(self, name: str, version: str, lowest: Dialect, highest: Dialect) -> None:
        super().__init__(name, version, lowest, highest)
        self.title = f"{self.title}, Kerberos alone (sec=krb5)"
        self.policy = replace(self.policy, ntlm=False)
        self.evidence = (
            self.evidence[0],
            Evidence("sec=krb5: with a ticket, or not at all", "mount.cifs(8), sec; cifs.upcall(8)"),
        )

    def perform(self, check: Check, target: Target, policy: ClientPolicy, log: Log) -> None:
        from harness.clients._kernel_judge import judge

        name = _new_file()
        with kerberos.kdc_of(target, (self._ours(target), 0)) as kdc:
            options = self._options(target, policy)
            report = self._report(check, target, options, name, f"{self._ours(target)}:{kdc.port}")
        judge(report, str(check), name, log, kdc.asked)

    def by_hand(self, check: Check, target: Target, policy: ClientPolicy) -> tuple[str, ...]:  # noqa: ARG002
        # Its krb5.conf(5) names the relay of an attempt, which has ended.
        return ()

    def _security(self, policy: ClientPolicy) -> list[str]:
        return ["sec=krb5i" if policy.require_signing else "sec=krb5", "cruid=0"]


def _new_file() -> str:
    return f"rehearsal-{secrets.token_hex(6)}.txt"


@cache
def _script() -> str:
    return resources.path("clients", "programs", "mount_cifs.sh").read_text()


CLIENTS = (
    KernelCifs("linux-cifs-kernel-1.0", "1.0", Dialect.NT1, Dialect.NT1),
    KernelCifs("linux-cifs-kernel-2.1", "2.1", Dialect.SMB2_10, Dialect.SMB2_10),
    KernelCifs("linux-cifs-kernel-3.0", "3.0", Dialect.SMB3_00, Dialect.SMB3_00),
    KernelCifs("linux-cifs-kernel-3.1.1", "3.1.1", Dialect.SMB3_11, Dialect.SMB3_11),
    KernelCifs("linux-cifs-kernel-default", "", Dialect.SMB2_10, Dialect.SMB3_11),
    KernelKerberos("linux-cifs-kernel-kerberos", "", Dialect.SMB2_10, Dialect.SMB3_11),
)
