"""Which settings of smb.conf(5) may stand in a lab's smb.conf: a list of those that were judged harmless.

What is not on it stays out, however harmless it may be: a parameter of a newer release, one of a vendor's,
a misspelt one. Judged harmless is what changes only how smbd answers its clients: it starts no program, loads
no library but the modules of ``MODULES``, reads and writes nothing but the share and smbd's own folder,
connects to nobody, and says nothing about where the lab keeps its things, listens, logs or has its accounts.
What smb.conf(5) of the releases in the lab knows beside that is in ``left_out``, each with its reason; a test
holds the two against what their testparm knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from harness.servers import left_out, parameters
from harness.servers.parameters import parameter_key

Rule = Callable[[str], str]
"""What is done instead of a value that is not allowed, as a sentence for people; "" where it is."""

_LINE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]*")
"""One line of UTF-8 text: a tab is the one control character in it."""
_NAME = re.compile(r"[ -~]+")


def _any(_: str) -> str:
    return ""


def _only(pattern: str, otherwise: str) -> Rule:
    allowed = re.compile(pattern, re.IGNORECASE | re.ASCII)
    return lambda value: "" if allowed.fullmatch(value.strip()) else otherwise


def _modules(value: str) -> str:
    strange = [word for word in words(value) if not is_module(word)]
    return f"is left out: {', '.join(strange)} {left_out.MODULES}" if strange else ""


def is_module(word: str) -> bool:
    """Whether a word of "vfs objects" is one of ``MODULES``, with a tag behind it ("recycle:two") or not."""
    name, _, tag = word.partition(":")
    return name in MODULES and re.fullmatch(r"[\w-]*", tag, re.ASCII) is not None


def words(value: str) -> tuple[str, ...]:
    """The words of a list: separated by blanks, commas and semicolons, in quotes or not."""
    return tuple(word.replace('"', "") for word in re.findall(r'(?:[^\s,;"]|"[^"]*"?)+', value))


MODULES = frozenset(
    words(
        """
    acl_tdb acl_xattr aio_fork aio_pthread aio_ratelimit audit cap catia commit crossrename dirsort extd_audit
    fake_perms fileid fruit full_audit io_uring linux_xfs_sgid offline readahead readonly recycle shadow_copy
    shadow_copy2 streams_depot streams_xattr syncops time_audit widelinks worm xattr_tdb
    """
    )
)
"""VFS modules that keep to the share and to smbd's own folder; their tag ("recycle:two") does not count."""

_ADDRESSES = r"(?:(?:[0-9a-f.:/\[\]]+|ALL|EXCEPT|LOCAL)(?:[\s,;]+|$))*"
_FRUIT = """
    aapl; advertise_fullsync; convert_adouble; copyfile; delete_empty_adfiles; encoding; locking;
    metadata; model; nfs_aces; posix_opens; posix_rename; resource; time machine; time machine max size;
    validate_afpinfo; veto_appledouble; veto_localized; wipe_intentionally_left_blank_rfork; zero_file_id
"""
_RECYCLE = """
    directory_mode; exclude; exclude_dir; facility; keeptree; maxsize; minsize; noversions; priority;
    subdir_mode; touch; touch_mtime; versions
"""
_SHADOW = """
    crossmountpoints; delimiter; fixinodes; format; localtime; snapdirseverywhere; snapprefix; sort
"""
_WORDS = r"[\w .,;:+=*-]*"
_OFF = r"no|false|off|0"
_ON = r"yes|true|on|1"

_PLAIN = """
    aio max threads; algorithmic rid base; allow dcerpc auth level connect; allow insecure wide links;
    async smb echo handler; browse list; change notify; client ipc max protocol; client ipc min protocol;
    client ipc signing; client lanman auth; client max protocol; client min protocol; client NTLMv2 auth;
    client plaintext auth; client protection; client signing; client smb encrypt;
    client smb3 encryption algorithms; client smb3 signing algorithms; client use kerberos;
    client use spnego; client use spnego principal; deadtime; defer sharing violations; disable netbios;
    disable spoolss; domain master; dos charset; enable asu support; enable privileges; enable spoolss;
    enhanced browsing; getwd cache; host msdfs; keepalive; kernel change notify; lanman auth;
    large readwrite; lm announce; lm interval; local master; lock spin time; lpq cache time;
    mangle prefix; mangling method; map to guest; max disk size; max mux; max open files;
    max smbd processes; max stat cache size; max xmit; mdns name; min receivefile size;
    name cache timeout; name resolve order; nt pipe support; nt status support; ntlm auth; null passwords;
    oplock break wait time; os level; passdb expand explicit; persistent handles;
    persistent handles durability; preferred master; printcap cache time; raw NTLMv2 auth; read raw;
    reset on zero vc; restrict anonymous; rpc big endian; rpc start on demand helpers;
    server max protocol; server min protocol; server multi channel support; server signing;
    server smb3 encryption algorithms; server smb3 signing algorithms; show add printer wizard;
    smb2 disable lock sequence checking; smb2 disable oplock break retry; smb2 leases; smb2 max credits;
    smb2 max read; smb2 max trans; smb2 max write; smb3 directory leases; smbd profiling level;
    socket options; stat cache; time server; unicode; unix extensions; use mmap; username level; write raw
"""
_PLAIN_OF_SHARES = """
    access based share enum; acl allow execute always; acl check permissions;
    acl flag inherited canonicalization; acl group control; acl map full control; administrative share;
    aio read size; aio write size; allocation roundup size; available; block size; blocking locks;
    browseable; case sensitive; check parent directory delete on close; continuous availability;
    create mask; csc policy; default case; default devmode; delete readonly; delete veto files;
    dfree cache time; directory mask; directory name cache size; dos filemode; dos filetime resolution;
    dos filetimes; durable handles; ea support; fake directory create times; fake oplocks;
    follow symlinks; force create mode; force directory mode; force printername; force unknown acl user;
    guest ok; guest only; hide dot files; hide new files timeout; hide special files; hide unreadable;
    hide unwriteable files; honor change notify privilege; inherit acls; inherit owner;
    inherit permissions; kernel oplocks; kernel share modes; level2 oplocks; locking; mangled names;
    map acl inherit; map archive; map hidden; map readonly; map system; max connections; max print jobs;
    max reported print jobs; min print space; msdfs root; msdfs shuffle referrals; nt acl support;
    oplocks; posix locking; preserve case; printable; read only; short preserve case; smb encrypt;
    smb3 unix extensions; smbd async dosmode; smbd force process locks; smbd getinfo ask sharemode;
    smbd max async dosmode; smbd max xattr size; smbd profiling share; smbd search ask sharemode;
    store dos attributes; strict allocate; strict locking; strict rename; strict sync; sync always;
    use client driver; use sendfile; vfs mkdir use tmp name; volume serial number; wide links; writeable
"""
_TEXT_OF_SHARES = "comment; fstype; volume"
_NAMES = "netbios aliases; netbios name; workgroup"
_PEOPLE = "admin users; force group; force user; invalid users; read list; valid users; write list"
_PRINTS = "printer name; printjob username"
_FILES = "aio write behind; dont descend; hide files; veto files; veto oplock files"


def _named(text: str, rule: Rule) -> dict[str, Rule]:
    return dict.fromkeys((" ".join(name.split()) for name in text.split(";")), rule)


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        **_named(f"{_PLAIN};{_PLAIN_OF_SHARES}", _only(_WORDS, left_out.STRANGE)),
        **_named(f"server string;{_TEXT_OF_SHARES}", _any),
        **_named(_NAMES, _only(r"[^/\\|<>*?`;]*", left_out.STRANGE)),
        **_named(_PEOPLE, _only(r"[^/|<>`]*", "is left out: no user or group has such a name")),
        "guest account": _only(r"[^/\\|<>`%:,]*", "is left out: no user has such a name"),
        **_named(_FILES, _only(r"(?!.*\.\./).*", "is left out: it names files outside the share")),
        **_named("hosts allow; hosts deny", _only(_ADDRESSES, left_out.HOST_NAMES)),
        # Both get into the command lines of a printing system.
        **_named(_PRINTS, _only(r"[\w %.+-]*", left_out.PRINTERS)),
        "mangling char": _only(r"[!-~]?", "is left out: it must be one character"),
        "default service": _only(r"[^/%|\\`]*", "is left out: it must be the name of a share"),
        "vfs objects": _modules,
        # Of these only what the lab has anyway.
        "security": _only(r"user|auto", left_out.SECURITY),
        "server role": _only(r"standalone(?: server)?|auto", left_out.ROLE),
        "unix charset": _only(r"utf-?8", left_out.CHARSET),
        "smb ports": _only(r"445|tcp", left_out.NETWORK),
        "encrypt passwords": _only(_ON, left_out.PLAINTEXT),
        "printcap name": _only(r"/dev/null", left_out.PRINTERS),
        "printing": _only(r"bsd", left_out.PRINTERS),
        **{name: _only(_OFF, reason) for name, reason in left_out.UNLESS_OFF.items()},
    }
)
"""Every parameter that is allowed, by a name that all releases in the lab know, and the rule of its value."""

SYNONYMS: Mapping[str, str] = MappingProxyType(
    {name: main for name, main in parameters.SYNONYMS.items() if main in RULES}
)
"""Other names of parameters that are allowed. Where a newer release renamed one, it is the older name."""

OPPOSITES = parameters.OPPOSITES
"""Parameters that say the contrary of another one, which they set."""

_PATH = _only(r"(?![/%])(?!.*\.\.)[^|]*", left_out.FOLDERS)
_OPTIONS: Mapping[str, Mapping[str, Rule]] = MappingProxyType(
    {
        "acl_xattr": _named("ignore system acls; default acl style", _only(_WORDS, left_out.STRANGE)),
        "aio_pthread": _named("aio open", _only(_WORDS, left_out.STRANGE)),
        "audit": _named("facility; priority; syslog", _only(_WORDS, left_out.STRANGE)),
        "catia": _named("mappings", _only(r"[0-9a-fx:,;\s]*", left_out.STRANGE)),
        "commit": _named("dthresh; eof mode; debug", _only(_WORDS, left_out.STRANGE)),
        "crossrename": _named("sizelimit", _only(_WORDS, left_out.STRANGE)),
        "extd_audit": _named("facility; priority; syslog", _only(_WORDS, left_out.STRANGE)),
        "fruit": _named(_FRUIT, _only(r"[\w .,:+@-]*", left_out.STRANGE)),
        "full_audit": {
            **_named(
                "facility; failure; log_secdesc; priority; success; syslog",
                _only(r"[\w\s.,;:!+-]*", left_out.STRANGE),
            ),
            "prefix": _any,
        },
        "io_uring": _named("num_entries; sqpoll", _only(_WORDS, left_out.STRANGE)),
        "readahead": _named("length; offset", _only(_WORDS, left_out.STRANGE)),
        "readonly": _named("period", _only(r"[\w\s.,;:+\"/-]*", left_out.STRANGE)),
        "recycle": {
            **_named(_RECYCLE, _any),
            "repository": _PATH,
        },
        "shadow": {**_named(_SHADOW, _only(r"[^/|]*", left_out.STRANGE)), "snapdir": _PATH},
        "streams_depot": _named("check_valid; delete_lost", _only(_WORDS, left_out.STRANGE)),
        "streams_xattr": _named(
            "max xattrs per stream; prefix; store_stream_type", _only(_WORDS, left_out.STRANGE)
        ),
        "syncops": _named("disable; onclose; onmeta", _only(_WORDS, left_out.STRANGE)),
        "time_audit": _named("timeout", _only(_WORDS, left_out.STRANGE)),
        "worm": _named("grace_period", _only(_WORDS, left_out.STRANGE)),
    }
)
"""Options of the modules ("module:option"): the one part of smb.conf(5) that testparm knows nothing of."""


def written(name: str) -> str:
    """A name as smb.conf(5) writes it, whichever of a parameter's names it is; any other in small letters."""
    return _WRITTEN.get(parameter_key(name)) or re.sub(r"\s*:\s*", ":", " ".join(name.lower().split()))


def spelled(name: str) -> str:
    """A parameter by the name that all releases in the lab know it by; any other as it is written."""
    return _SPELLED.get(parameter_key(name), " ".join(name.split()))


def refusal(name: str, value: str) -> str:
    """Why a setting may not stand in a lab's smb.conf: a sentence that goes on after its name; "" if it may.

    Neither blanks nor the case of letters count in a name. It says nothing of whether it does anything in
    [global], or in a share, or on a release.
    """
    if not _NAME.fullmatch(name) or not _LINE.fullmatch(value) or value.rstrip().endswith("\\"):
        return "is left out: it is no line of text that smb.conf(5) could have"
    if "%$" in value:
        return "is left out: it asks for a variable of the environment that smbd runs in"
    module, colon, option = name.partition(":")
    if colon:
        rule = _OPTIONS_BY_KEY.get((parameter_key(module), parameter_key(option)))
        return left_out.option(parameter_key(module)) if rule is None else rule(value)
    key = parameter_key(name)
    rule = _RULES_BY_KEY.get(key)
    return left_out.reason(key) if rule is None else rule(value)


def known(name: str) -> bool:
    """Whether a parameter is allowed at all, with one value or another."""
    return name.isascii() and (":" in name or parameter_key(name) in _SPELLED)


def is_typed(name: str) -> bool:
    """Whether Samba itself refuses what is no value of it: a number, a truth value, one of a few words.

    So no text of a user's gets anywhere by it. A character set is loaded by its name.
    """
    return spelled(name) in _TYPED


def of_shares(name: str) -> bool:
    """Whether a parameter that is allowed does anything in a share; in [global] it is the default of all."""
    return ":" in name or spelled(name) in _OF_SHARES


_TYPED = frozenset(_named(f"{_PLAIN};{_PLAIN_OF_SHARES}", _any)) - {"dos charset"}
_OF_SHARES = frozenset(_named(f"{_PLAIN_OF_SHARES};{_TEXT_OF_SHARES};{_PEOPLE};{_PRINTS};{_FILES}", _any)) | {
    "hosts allow",
    "hosts deny",
    "mangling char",
    "printing",
    "vfs objects",
}
_SPELLED = {parameter_key(name): SYNONYMS.get(name, name) for name in (*RULES, *SYNONYMS)}
_WRITTEN = {parameter_key(name): name for name in (*RULES, *SYNONYMS)} | {
    parameter_key(f"{module}:{option}"): f"{module}:{option}"
    for module, options in _OPTIONS.items()
    for option in options
}
_RULES_BY_KEY = {key: RULES[name] for key, name in _SPELLED.items()}
_OPTIONS_BY_KEY = {
    (parameter_key(module), parameter_key(name)): rule
    for module, rules in _OPTIONS.items()
    for name, rule in rules.items()
}
