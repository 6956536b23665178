"""Which RPC services a Samba of the lab starts: those that somebody asks for.

From 4.16 on smbd leaves RPC to samba-dcerpcd(8), which runs every program ``rpcd_*`` beside it once with
``--list-interfaces`` before it serves the first pipe, after each start of a server: 25 to 65 ms of processor
time each, most of it the dynamic linker's (measured, 4.17 to 4.25). Those for which nobody here opens a pipe
are hidden from it, and what the others list is asked once for each image and smb.conf(5) of a run: it follows
from these alone (source3/rpc_server/rpc_worker.c), and not from what an smb.conf says of ``OF_NO_INTERFACE``.
A test holds each release to both. Whatever serves a pipe is the program of the package.

Of each of those that serve, Samba starts up to five side by side, one more for each client that comes while
the others have one; here one serves all (``ONE_OF_EACH``).

For every pipe that nobody serves smbd starts samba-dcerpcd again. That one finds another running, has it tell
smbd when all that there is can be reached, and ends, which is most of 40 ms of processor time for its being
linked (source3/rpc_client/local_np.c and source3/rpc_server/rpc_host.c, rpc_host_pidfile_create). Where every
pipe that the programs list takes a connection, smbd is told so at once (``_HOST``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from harness.labs import namespace
from harness.labs.home import Home
from harness.labs.roots.mounts import MS_BIND, MS_NODEV, MS_NOSUID, MS_RDONLY, mount, narrow
from harness.servers.parameters import parameter_key

FOLDER: Final = "usr/libexec/samba"
"""Of an image: where Debian has them."""
WANTED: Final = ("rpcd_classic", "rpcd_lsad", "rpcd_spoolss", "rpcd_winreg")
"""What a check or a probe opens pipes of: srvsvc and wkssvc; lsarpc, samr and netlogon; spoolss; and winreg,
in which spoolss keeps its printers. rpcd_classic itself asks for winreg as it starts, and without it lists no
shares (tried with 4.22: every client's browsing was refused)."""
OF_NO_INTERFACE: Final = frozenset(
    map(
        parameter_key,
        (
            *("server min protocol", "server max protocol", "server signing", "smb encrypt"),
            *("server smb3 encryption algorithms", "server smb3 signing algorithms"),
            *("ntlm auth", "lanman auth", "map to guest", "guest ok"),
        ),
    )
)
"""Parameters of smb.conf(5) that say nothing of the interfaces: what the changes of this project set most."""
ONE_OF_EACH: Final = tuple(f"{name}:num_workers = 1" for name in WANTED)
"""Lines of smb.conf(5) by which each program is one process, which serves its clients in turn. By default it
is up to five, and which of them answers is nothing that a client can see; each costs 25 to 65 ms of processor
time to start (measured, 4.17 to 4.25). A Samba before 4.16 has no such programs, and ignores the lines."""
HOST: Final = "samba-dcerpcd"
"""The program that has them serve."""
PROGRAMS: Final = "programs"
"""Where the programs themselves lie, below ``FOLDER``; in their place are scripts."""
LISTS: Final = "SMB_REHEARSAL_RPC"
"""In the environment of a server: the folder of what its RPC programs list, which the first one fills."""
_PERL: Final = "usr/bin/perl"
"""Debian's packages of Samba need it; a shell is in no image."""
_SCRIPT: Final = f"""#!/{_PERL}
my ($name) = $0 =~ m{{([^/]+)$}};
my ($real, $lists) = ("/{FOLDER}/{PROGRAMS}/$name", $ENV{{{LISTS}}});
if ($lists && grep {{ $_ eq '--list-interfaces' }} @ARGV) {{
    my ($said, $part) = ("$lists/$name", "$lists/$name.$$");
    if (!-e $said) {{
        open(my $from, '-|', $real, @ARGV) && open(my $to, '>', $part) || exit 1;
        print $to $_ while <$from>;
        close($from) && close($to) && rename($part, $said) || exit 1;
    }}
    open(my $from, '<', $said) || exit 1;
    print while <$from>;
    exit 0;
}}
exec {{ $real }} $real, @ARGV;
"""
_HOST: Final = rf"""#!/{_PERL}
my ($real, $lists) = ("/{FOLDER}/{PROGRAMS}/{HOST}", $ENV{{{LISTS}}});
my %said = map {{ /^--([\w-]+)=(.*)/ }} @ARGV;
my ($ready, $conf) = @said{{'ready-signal-fd', 'configfile'}};

sub all_reached {{
    my ($np, @pipes) = @_;
    for my $name (qw({" ".join(WANTED)})) {{
        open(my $from, '<', "$lists/$name") || return 0;
        push @pipes, map {{ /\[\\pipe\\(.+)\]/ ? lc $1 : () }} <$from>;
    }}
    for (@pipes) {{
        socket(my $to, 1, 1, 0) || return 0;
        connect($to, pack('S Z108', 1, "$np/$_")) || return 0;
    }}
    return @pipes > 0;
}}

if ($lists && $ready && $conf =~ m{{^(.+)/[^/]+$}} && all_reached("$1/ncalrpc/np")) {{
    open(my $to, '>&=', $ready) || exit 1;
    syswrite($to, "\0");
    exit 1;
}}
exec {{ $real }} $real, @ARGV;
"""
"""A byte says that it is ready (rpc_host_report_readiness), and 1 is what it ends with where another runs."""
_SCRIPTS: Final = {**dict.fromkeys(WANTED, _SCRIPT), HOST: _HOST}


def hide_others(image: Path, at: Path) -> None:
    """Leave in an image mounted at ``at`` the programs ``WANTED`` alone; nothing where it has no such folder.

    ``image`` is where it was mounted from. Raises LabFault when the kernel refuses.
    """
    folder = image / FOLDER
    if not (folder / HOST).is_file():
        return
    kept = [
        file.name for file in folder.iterdir() if file.name in WANTED or not file.name.startswith("rpcd_")
    ]
    mount("tmpfs", at / FOLDER, MS_NOSUID | MS_NODEV, kind="tmpfs", data="mode=755,size=128k")
    scripts = (image / _PERL).is_file()
    (at / FOLDER / PROGRAMS).mkdir()
    for name in kept:
        place = at / FOLDER / name
        if scripts and name in _SCRIPTS:
            place.write_text(_SCRIPTS[name])
            place.chmod(0o755)
            place = at / FOLDER / PROGRAMS / name
        place.touch()
        mount(folder / name, place, MS_BIND)
        narrow(place, MS_RDONLY | MS_NOSUID | MS_NODEV)
    narrow(at / FOLDER, MS_RDONLY | MS_NOSUID | MS_NODEV)


def shared_lists(home: Home, root: Path) -> Mapping[str, str]:
    """The environment in which the RPC programs of a server list what others of its kind listed before.

    What is its own alone in its smb.conf(5), its folder and address, and what is ``OF_NO_INTERFACE``, is no
    difference. Nothing for one in a domain, whose programs run as somebody else. Raises OSError.
    """
    if home.controller or not (root / FOLDER / PROGRAMS).is_dir():
        return {}
    conf = (home.outside / "smb.conf").read_text(encoding="utf-8")
    lines = conf.replace(str(home.inside), "").replace(home.address, "").splitlines()
    kind = "\n".join(one for one in lines if parameter_key(one.partition("=")[0]) not in OF_NO_INTERFACE)
    # What is its own alone is mounted elsewhere, and lies in a root of another name.
    digest = hashlib.sha256(f"{root.name}\0{kind}".encode()).hexdigest()[:16]
    name = f".rpc-{digest}"
    if not (home.folder / name).exists():
        (home.folder / name).mkdir(exist_ok=True)
        namespace.hand_over(home.folder / name)
    # Of the locale of a server's environment perl would say, in the server's log, that this image has it not.
    return {LISTS: str(home.inside.with_name(name)), "PERL_BADLANG": "0"}
