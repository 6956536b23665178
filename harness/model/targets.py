"""Where a client is sent, and what its administrator set on it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from harness.checks import Check
from harness.model.dialects import Dialect


@dataclass(frozen=True, slots=True)
class ClientPolicy:
    """What the administrator set on a client; client-side mitigations change it, nothing else does."""

    smb1: bool = True
    """False: the client's SMB1 driver was removed."""
    min_dialect: Dialect = Dialect.NT1
    max_dialect: Dialect = Dialect.SMB3_11
    require_signing: bool = False
    require_encryption: bool = False
    guest: bool = True
    """False: the client refuses a session that the server marks as guest."""
    ntlmv2_only: bool = False
    """True: the client sends NTLMv2 whatever its default is (LmCompatibilityLevel 3 and above)."""
    ntlm: bool = True
    """False: the client logs on without NTLM or not at all (BlockNTLM of Windows, client use kerberos)."""
    ntlm_by_address: bool = False
    """True: it uses NTLM all the same with a server that it was given the IP address of: that address is on
    its list of exceptions (BlockNTLMServerExceptionList)."""
    ntlmv1_sso: bool = True
    """False: single sign-on gets nothing that NTLMv1's cryptography makes (BlockNtlmv1SSO)."""
    port: int = 445
    """The TCP port at which it looks for the server: another one where its user was told of that."""


@dataclass(frozen=True, slots=True)
class GuestRoute:
    """How to run something in a virtual machine of the lab: SSH with a key, or with the lab's password.

    WinRM (Windows only) always takes the password.
    """

    name: str
    """The guest, as the Vagrantfile calls it."""
    address: str
    port: int
    user: str
    key: str = ""
    """Path of the private key; "" where the password is used."""
    password: str = field(default="", repr=False)
    communicator: Literal["ssh", "winrm"] = "ssh"


@dataclass(frozen=True, slots=True)
class Segment:
    """A network of its own inside the lab, where broadcasts reach a server: for ``discover``."""

    device: str
    """The interface that all of it is on."""
    server: str
    """The server's address there."""
    client: str
    """The address that clients ask from."""
    broadcast: str
    workgroup: str


@dataclass(frozen=True, slots=True)
class Domain:
    """The Active Directory domain that a server belongs to, and the names that lead to that server.

    Kerberos asks for a ticket by the name that the client was given (``cifs/NAME``), so how a client names
    its server decides whether it can use Kerberos at all.
    """

    realm: str
    """The Kerberos realm, in capitals: ``LAB.TEST``."""
    workgroup: str
    """The domain's NetBIOS name."""
    controller: str
    """The address of the domain controller; its KDC, DNS and LDAP are on their usual ports."""
    host: str
    """The server's own DNS name; the KDC knows its service principal."""
    alias: str
    """A DNS name that leads to the server, too, and has no service principal."""
    alias_with_spn: str
    """A DNS name that leads to the server, too, and has a service principal."""
    passwords: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Of the accounts that a client may come as: name and password."""

    def name_for(self, check: Check) -> str:
        """What a client calls the server for a check; "" for its address."""
        names = {
            Check.OPEN_BY_ADDRESS: "",
            Check.OPEN_BY_ALIAS: self.alias,
            Check.OPEN_BY_SPN_ALIAS: self.alias_with_spn,
        }
        return names.get(check, self.host)


@dataclass(frozen=True, slots=True)
class QuicWay:
    """How a server is reached by SMB over QUIC."""

    host: str
    """Its DNS name, by which a client calls it that has no other name for it."""
    authority: str
    """A file in PEM: the authority that its clients trust."""
    authority_inside: str
    """The same as the programs of an image see it."""
    certificate: str
    """What it shows, and the key of that, in PEM: for the relay that reads along with a real client."""
    key: str
    port: int = 443

    @property
    def offered(self) -> bool:
        """False where the lab could have it so, and nothing listens."""
        return bool(self.certificate)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a client is sent: one server of the lab and the account it uses."""

    address: str
    share: str
    user: str
    password: str = field(repr=False)
    port: int = 445
    seconds: float = 10.0
    """The most that one attempt may take."""
    roots: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """The images whose client programs the lab provides: name -> the command line that runs one in it."""
    guests: tuple[GuestRoute, ...] = ()
    """The virtual machines whose own clients the lab provides."""
    printer: str = ""
    """A printer of the server, as its clients call it; "" where no plan asks for one."""
    segment: Segment | None = None
    """Where the server is found by those who look for servers; None where no plan asks for that."""
    tunnel: str = ""
    """The machine that an SSH tunnel to the server leads through; "" where it is reached directly. The lab's
    guests are beside the server, and reach it directly in any case."""

    charset: str = ""
    """Python's codec of its texts that are not in Unicode (smb.conf(5), dos charset); "": nobody said."""
    domain: Domain | None = None
    """The domain whose account ``user`` is; None where the account is the server's own."""
    name: str = ""
    """What the client calls the server; "" for its address."""
    quic: QuicWay | None = None
    """How it is reached by QUIC, where this lab can have it so."""
    moved_from: int = 0
    """The port that it was at before a change moved it: whoever was not told goes there; 0: nobody did."""

    @property
    def account(self) -> str:
        """``user`` as a client writes it: with the domain before it where there is one."""
        return f"{self.domain.workgroup}\\{self.user}" if self.domain else self.user

    @property
    def workgroup(self) -> str:
        """The NetBIOS name of the domain whose account ``user`` is; "" for the server's own."""
        return self.domain.workgroup if self.domain else ""

    @property
    def called(self) -> str:
        """What the client calls the server: what stands between the backslashes of \\\\server\\share."""
        return self.name or self.address

    @property
    def called_by_quic(self) -> str:
        """``called``, where a server without a domain has a name for its certificate."""
        named = self.quic.host if self.quic and self.domain is None else ""
        return self.name or named or self.address

    def as_user(self, account: str) -> Target:
        """The same for another account of the domain. Raises KeyError where there is no such account."""
        password = dict(self.domain.passwords if self.domain else ())[account]
        return replace(self, user=account, password=password)

    def moved(self, port: int) -> Target:
        """The same where the server is at that port now; whoever was not told goes where it was at first."""
        first = self.moved_from or self.port
        return replace(self, port=port, moved_from=0 if port == first else first)

    def as_told(self, policy: ClientPolicy) -> Target:
        """The same where a client with that policy looks for it."""
        lost = self.moved_from and policy.port != self.port
        return replace(self, port=self.moved_from) if lost else self

    def given_time(self, check: Check) -> Target:
        """The same with the time that an attempt of that check may take."""
        return replace(self, seconds=self.seconds * check.times)

    def guest(self, name: str) -> GuestRoute | None:
        """The way to a guest, or None when the lab has not that guest."""
        return next((route for route in self.guests if route.name == name), None)

    def program(self, image: str, path: str) -> tuple[str, ...] | None:
        """The command line that starts a program of an image, or None when the lab has not that image."""
        command = dict(self.roots).get(image)
        return None if command is None else (*command, path)

    def root(self, image: str) -> str:
        """The folder that programs of an image have as their root; "" when the lab has not that image.

        It is what their command lines end with (``harness.labs.namespace.in_image``).
        """
        command = dict(self.roots).get(image)
        return command[-1].removeprefix("--root=") if command else ""
