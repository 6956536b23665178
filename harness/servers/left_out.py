"""Why parameters of smb.conf(5) do not get into a lab's smb.conf, and what is there instead.

For people alone: what is left out is all that ``allowed`` has not. Each of these sentences goes on after the
name of a parameter, and ``reason`` has one for every parameter that a release in the lab knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from harness.servers.parameters import parameter_key

CHARSET = "is left out: the names of files are UTF-8 in the lab, and clients see the same names"
FOLDERS = "is left out: the lab has its own folders, and none outside the share"
HOST_NAMES = "is left out: the lab knows hosts by their addresses, and asks nobody for those of a name"
MODULES = "is no VFS module that is known to keep to the share and to be there"
NETWORK = "is left out: the lab decides where its servers listen and whom they talk to, which is nobody"
OPTIONS = "is left out: it is no option that is known to be harmless"
PLAINTEXT = (
    "is left out: passwords in plain text are compared with those of the system, which are not brought along"
)
PRINTERS = "is left out: there are no printers in the lab, and no printing system is asked"
ROLE = "is left out: the lab's server stands alone, with accounts of its own, in no domain"
SECURITY = f"{ROLE}; clients log on with a user's name (security = user)"
STRANGE = "is left out: its value has characters that no such value has"

_ACCOUNTS = "is left out: the lab has accounts of its own, with its own passwords, in a file of its own"
_CLUSTER = "is left out: the lab's server is no node of a cluster"
_COMMAND = "is left out: smbd would run a command for it"
_DIRECTORY = "is left out: there is no LDAP server in the lab, and none is asked"
_PROXY = (
    "is left out: it sends clients on to another server, which the lab does not have; the share is a folder "
    "of the lab's own, so that what shows is what this server does to them"
)
_DOMAIN = "is left out: it is about a domain, and the lab's server stands alone"
_ELSEWHERE = "is left out: it reads, writes or asks something outside the share and the lab's own folder"
_FILES = "is left out: what other file it would read is named to the importer, or lies beside the first"
_LIBRARY = "is left out: smbd would load a library"
_LOG = "is left out: the lab decides what smbd logs, and reads it"
_NAMES = "is left out: no name service runs in the lab"
_PAM = "is left out: accounts and passwords are the lab's, and PAM is not asked"
_PATH = "is replaced: the lab makes a folder of its own for each share"
_REGISTRY = "is left out: nothing is read from a registry"
_TEMPLATE = "is left out: the settings of the section that it copies were taken over one by one"
_USERSHARES = (
    "is left out: shares that users made lie in a folder of that machine, and are not brought along. Samba "
    "4.25 serves them only where usershare max shares is set: its default became 0, and was 100"
)
_CERTIFICATES = "is left out: no certificate or key of that machine is read"

UNLESS_OFF: Mapping[str, str] = MappingProxyType(
    {
        "dns proxy": _NAMES,
        "domain logons": ROLE,
        "enable core files": _ELSEWHERE,
        "hostname lookups": HOST_NAMES,
        "load printers": PRINTERS,
        "multicast dns register": NETWORK,
        "obey pam restrictions": _PAM,
        "pam password change": _PAM,
        "registry shares": _REGISTRY,
        "unix password sync": _COMMAND,
        "utmp": _ELSEWHERE,
        "wins proxy": _NAMES,
        "wins support": _NAMES,
    }
)
"""What is allowed as long as it is switched off, which it is by default."""

_REASONS = {
    _ACCOUNTS: """
        himmelblaud hello enabled; himmelblaud hsm pin path; himmelblaud sfa fallback; nt hash store;
        old password allowed period; passdb backend; passwd chat debug; passwd chat timeout;
        smb passwd file; username map; username map cache time
    """,
    _CLUSTER: """
        allow unsafe cluster upgrade; cluster addresses; clustering; ctdb locktime warn threshold;
        ctdb timeout; ctdbd socket
    """,
    _COMMAND: """
        abort shutdown script; add group script; add machine script; add share command; add user script;
        add user to group script; addport command; addprinter command; apply group policies;
        change share command; check password script; delete group script; delete share command;
        delete user from group script; delete user script; deleteprinter command; dfree command;
        dns update command; enumports command; exec; get quota command; gpo update command;
        log nt token command; lppause command; lpq command; lpresume command; lprm command; magic output;
        magic script; message command; mit kdc command; nsupdate command; panic action; passwd chat;
        passwd program; postexec; preexec; preexec close; print command; queuepause command;
        queueresume command; rename user script; root postexec; root preexec; root preexec close;
        samba kcc command; set primary group script; set quota command; shutdown script;
        spn update command; svcctl list; sync machine password script; username map script; wins hook
    """,
    _DIRECTORY: """
        client ldap sasl wrapping; ldap admin dn; ldap connection timeout; ldap debug level;
        ldap debug threshold; ldap delete dn; ldap deref; ldap follow referral; ldap group suffix;
        ldap idmap suffix; ldap machine suffix; ldap max anonymous request size;
        ldap max authenticated request size; ldap max search request size; ldap page size;
        ldap passwd sync; ldap password sync; ldap replication sleep; ldap server require strong auth;
        ldap ssl; ldap suffix; ldap timeout; ldap user suffix
    """,
    _ELSEWHERE: """
        -valid; afs share; afs token lifetime; afs username map; automount fs types; dmapi support;
        eventlog list; homedir map; NIS homedir; os2 driver map; spotlight; spotlight backend;
        utmp directory; wsp property file; wtmp directory
    """,
    _FILES: "config file; include",
    _LIBRARY: "ntvfs handler; perfcount module; preload modules; share backend",
    _LOG: """
        auth event notification; debug class; debug encryption; debug hires timestamp; debug pid;
        debug prefix timestamp; debug syslog format; debug timestamp; debug uid; debuglevel; log file;
        log level; log writeable files on exit; logging; max log size; syslog; syslog only;
        timestamp logs; winbind debug traceid
    """,
    _NAMES: """
        max ttl; max wins ttl; min wins ttl; netbios scope; remote announce; remote browse sync;
        wins server
    """,
    _PATH: "directory; path",
    _REGISTRY: "config backend",
    _TEMPLATE: "copy",
    _USERSHARES: """
        usershare allow guests; usershare max shares; usershare owner only; usershare path;
        usershare prefix allow list; usershare prefix deny list; usershare template share
    """,
    _CERTIFICATES: """
        certificate backdating compensation; dedicated keytab file; tls ca directories; tls cafile;
        tls certfile; tls crlfile; tls dh params file; tls enabled; tls keyfile; tls priority;
        tls trust system cas; tls verify peer
    """,
    _PROXY: "msdfs proxy",
    "is left out: homes and printers are shares only of who is named elsewhere": "auto services; preload",
    FOLDERS: """
        bind dns directory; binddns dir; cache directory; lock dir; lock directory; ncalrpc dir;
        ntp signd socket directory; pid directory; private dir; private directory; root; root dir;
        root directory; state directory; winbindd socket directory
    """,
    NETWORK: """
        async dns timeout; bind interfaces only; cldap port; client smb encryption over quic;
        client smb transports; dgram port; dns port; interfaces; kpasswd port; krb5 port;
        nbt client socket address; nbt port; nmbd bind explicit broadcast; print notify backchannel;
        rpc server dynamic port range; rpc server port; server addresses; server smb encryption over quic;
        socket address
    """,
    PRINTERS: """
        cups connection timeout; cups encrypt; cups options; cups server; iprint server
    """,
    _DOMAIN: """
        acl claims evaluation; ad dc functional level; additional dns hostnames; allow dns updates;
        allow nt4 crypto; allow trusted domains; client netlogon ping protocol; client schannel;
        client use krb5 netlogon; create krb5 conf; dcerpc endpoint servers; dns forwarder; dns hostname;
        dns zone scavenging; dns zone transfer clients allow; dns zone transfer clients deny;
        dsdb event notification; dsdb group change notification; dsdb password event notification;
        idmap backend; idmap cache time; idmap gid; idmap negative cache time; idmap uid;
        include system krb5 conf; init logon delay; init logon delayed hosts; kdc always include pac;
        kdc default domain supported enctypes; kdc enable fast; kdc force enable rc4 weak session keys;
        kdc name match implicit dollar without canonicalization; kdc require canonicalization;
        kdc supported enctypes; kerberos encryption types; kerberos method;
        krb5 acceptor report canonical client name; logon drive; logon home; logon path; logon script;
        lsa over netlogon; machine password timeout; min domain uid; neutralize nt4 emulation;
        password hash gpg key ids; password hash userPassword schemes; password server;
        prefork backoff increment; prefork children; prefork maximum backoff; realm;
        reject aes netlogon servers; reject md5 clients; reject md5 servers; require strong key;
        server reject aes schannel; server schannel; server schannel require seal; server services;
        server support krb5 netlogon; strong certificate binding enforcement;
        sync machine password to keytab; template homedir; template shell; winbind cache time;
        winbind enum groups; winbind enum users; winbind expand groups; winbind gid; winbind max clients;
        winbind max domain connections; winbind nested groups; winbind normalize names; winbind nss info;
        winbind offline logon; winbind reconnect delay; winbind refresh tickets; winbind request timeout;
        winbind rpc only; winbind scan trusted domains; winbind sealed pipes; winbind separator;
        winbind uid; winbind use default domain; winbind use krb5 enterprise principals;
        winbind varlink service
    """,
}
_BY_KEY = {parameter_key(name): sentence for sentence, names in _REASONS.items() for name in names.split(";")}

UNKNOWN = "is left out: no release in the lab knows such a parameter, or nobody has judged yet what it does"


def option(module: str) -> str:
    """Why an option NAME:OPTION is left out."""
    return _DOMAIN if module.startswith("idmapconfig") else OPTIONS


def reason(key: str) -> str:
    """Why a parameter is left out that is not on the list; ``key`` as ``parameter_key`` has it."""
    return _BY_KEY.get(key, UNKNOWN)


def table() -> Mapping[str, tuple[str, ...]]:
    """What becomes of parameters -> those that this is said of, by their names; documentation shows it."""
    return {
        sentence: tuple(sorted((" ".join(name.split()) for name in names.split(";")), key=str.lower))
        for sentence, names in _REASONS.items()
    }


def judged() -> frozenset[str]:
    """The parameters that were judged and left out, as ``parameter_key`` has them."""
    return frozenset(_BY_KEY)
