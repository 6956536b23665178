# shellcheck shell=sh
# $here and $me come from the script that sources this, $python goes to it:
# shellcheck disable=SC2034,SC2154
# Sourced by ./rehearse and ./test, which set $here to the checkout and $me to their own name.
#
# bootstrap run|dev [vagrant]  makes sure that the programs and the Python packages are there, and sets $python;
# with "vagrant" also those that virtual machines need.
# A start that finds everything in place looks at two files and starts three small programs (about 10 ms).
# Messages go to stderr alone: stdout belongs to the results.

say() {
    printf '%s: %s\n' "$me" "$*" >&2
}

fail() {
    say "$*"
    exit 2
}

# What the caller has set for other programs must not decide what ours do; harness/system/environment.py does the same
# for every program that is started later.
plain_surroundings() {
    # Our Python and its libraries are our own; PYTHON, which names one, is for us.
    for name in $(PATH=/usr/bin:/bin && env | sed -n -e 's/^\(PYTHON[A-Z0-9_]\{1,\}\)=.*/\1/p' -e 's/^\(LD_[A-Z0-9_]*\)=.*/\1/p'); do
        unset "$name"
    done
    # What depends on where one is goes from PATH.
    set -f
    entries=
    IFS=:
    for entry in ${PATH-}; do
        case $entry in
            /*) entries=$entries$entry: ;;
        esac
    done
    unset IFS
    set +f
    PATH=${entries:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:}
    PATH=${PATH%:}
    export PATH
    # The owner may use what is made here, and nobody else may change it.
    umask u+rwx,go-w
    # A stream that was closed: else the next file that is opened takes its number.
    [ -e /proc/self/fd/0 ] || exec </dev/null
    [ -e /proc/self/fd/2 ] || exec 2>/dev/null
}

# long WHAT COMMAND...  runs a command that may take minutes, and says every 20 seconds that it still runs.
long() {
    what=$1
    shift
    begun=$(date +%s)
    (
        trap 'kill "$!" 2>/dev/null; exit 0' TERM
        while :; do
            sleep 20 2>/dev/null &
            wait "$!"
            # Ctrl-C does not end what a shell runs in the background.
            kill -0 "$$" 2>/dev/null || exit 0
            say "$what, for $(($(date +%s) - begun)) s now"
        done
    ) </dev/null >/dev/null 9>&- &
    teller=$!
    ended=0
    "$@" || ended=$?
    kill "$teller" 2>/dev/null || true
    wait "$teller" 2>/dev/null || true
    return "$ended"
}

# The first Python that is new enough; sets $base_python.
find_python() {
    for base_python in ${PYTHON:+"$PYTHON"} python3 python3.14 python3.13 python3.12 python3.11; do
        if "$base_python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            return 0
        fi
    done
    base_python=
    return 1
}

# Adds to $packages those of its arguments that are not in it.
add() {
    for one in "$@"; do
        case "$packages " in
            *" $one "*) ;;
            *) packages="$packages $one" ;;
        esac
    done
}

# Debian packages whose programs are missing; sets $packages.
find_packages() {
    packages=
    command -v mmdebstrap >/dev/null || add mmdebstrap
    # mmdebstrap asks gpg which keyring signs an archive that the host's apt does not know.
    command -v gpg >/dev/null || add gpg
    [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] ||
        [ -e /usr/share/keyrings/debian-archive-keyring.pgp ] || add debian-archive-keyring
    # Which suites exist.
    [ -e /usr/share/distro-info/debian.csv ] || add distro-info-data
    { command -v unshare && command -v setpriv; } >/dev/null || add util-linux
}

# Where Debian keeps Ruby packages (Vagrant and its plugins), GRUB, programs of the administrator, and who says
# whether a service may be started.
ruby_packages=/usr/share/rubygems-integration/all
grub_files=/usr/lib/grub/i386-pc
policy_rc_d=/usr/sbin/policy-rc.d

# True when a program is there; those of the administrator are not on every user's path.
have() {
    command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ]
}

# Adds to $packages what any lab of virtual machines needs besides: Vagrant, and what makes boxes.
find_vagrant_packages() {
    if ! have vagrant; then
        add vagrant vagrant-libvirt
    elif [ -n "$(find "$ruby_packages" -maxdepth 2 -name 'vagrant-[0-9]*' 2>/dev/null)" ] &&
        [ -z "$(find "$ruby_packages" -maxdepth 2 -name 'vagrant-libvirt-[0-9]*' 2>/dev/null)" ]; then
        # Debian's Vagrant; one from elsewhere has plugins of its own.
        add vagrant-libvirt
    fi
    have qemu-img || add qemu-utils
    have mke2fs || add e2fsprogs
    have grub-mkimage || add grub-common
    [ -e "$grub_files/boot.img" ] || add grub-pc-bin
    have cpio || add cpio
    have ssh-keygen || add openssh-client
    # Root needs no other users' numbers to make the files of a system.
    [ "$(id -u)" = 0 ] || have newuidmap || add uidmap
}

# Adds to $packages what runs them here: libvirt and QEMU.
find_hypervisor_packages() {
    if ! have libvirtd; then
        add libvirt-daemon-system
        # Naming this one keeps systemd off machines that have none.
        [ -d /run/systemd/system ] || add libvirt-daemon-system-sysv
    fi
    have dnsmasq || add dnsmasq-base
    have iptables || add iptables
    have nft || add nftables
    have qemu-system-x86_64 || add qemu-system-x86
}

# Whether packages can be installed without asking somebody else.
may_install() {
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null
}

# Elsewhere the package chromium may be something else: Ubuntu's is a snap, which needs a service.
os_release=/etc/os-release
is_debian() {
    [ "$(. "$os_release" 2>/dev/null && printf %s "$ID")" = debian ]
}

# What ./test looks at servers with, besides our own probes, and the way to another machine's libvirt.
find_test_packages() {
    command -v nmap >/dev/null || add nmap
    { command -v ssh && command -v ssh-keygen; } >/dev/null || add openssh-client
    # Signs the archive that the tests make: gpg makes no key without it.
    command -v gpg-agent >/dev/null || add gpg-agent
    # Packs an archive as a user may have one.
    command -v zstd >/dev/null || add zstd
    # Shows what a configuration full of traps opens and starts.
    command -v strace >/dev/null || add strace
    # Cuts a worker of a cluster off.
    command -v ip >/dev/null || add iproute2
    # A browser for the tests of the HTML report, and a library that what drives it needs and Debian 12 may not have.
    # They skip without them: nobody is asked for these who cannot install them.
    if may_install && is_debian; then
        have chromium || add chromium
        [ -n "$(find /usr/lib -maxdepth 2 -name libatomic.so.1 2>/dev/null)" ] || add libatomic1
    fi
}

# And what they look at virtual machines with: their processes and loop devices.
find_machine_test_packages() {
    have pgrep || add procps
    have losetup || add mount
}

# Adds what is missing to make a virtual environment to $packages.
find_python_packages() {
    if ! find_python; then
        command -v python3 >/dev/null &&
            fail "Python 3.11 or later is needed, not $(python3 -V); install one, set PYTHON to its path"
        add python3 python3-venv
    elif ! "$base_python" -c 'import venv, ensurepip' 2>/dev/null; then
        add $("$base_python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    fi
}

# Says what root must install here: for both commands at once, so that nobody has to ask root twice.
fail_for_root() {
    missing=$packages
    find_all_packages dev "$1"
    find_python_packages
    fail "missing:$missing; as root, for ./rehearse and ./test:" \
        "apt-get update && apt-get install --no-install-recommends$packages"
}

# Installs $packages, for run or dev, and those that virtual machines need ($2) where they are wanted.
install_packages() {
    [ -n "$packages" ] || return 0
    apt="apt-get -o DPkg::Lock::Timeout=300"
    install="$apt install -y --no-install-recommends$packages"
    command -v apt-get >/dev/null || fail "missing, and no apt-get to install it:$packages"
    sudo=
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || fail_for_root "$2"
        sudo=sudo
    fi
    say "installing Debian packages${sudo:+ with sudo}:$packages"
    if ! long "installing Debian packages" apt_get >"$venv/apt.log"; then
        cat "$venv/apt.log" >&2
        fail "apt-get failed, what it said is above"
    fi
}

# What it says, mistakes too, goes to its stdout: to our stderr goes what is said meanwhile.
apt_get() {
    # $apt and $install are lists of words.
    # shellcheck disable=SC2086
    $sudo $apt -qq update 2>&1 &&
        $sudo env DEBIAN_FRONTEND=noninteractive sh -c "$no_services" "$policy_rc_d" $install 2>&1
}

# Runs its arguments, and meanwhile keeps packages from starting services on this machine: invoke-rc.d(8) and
# systemd's maintainer scripts ask policy-rc.d. One that the administrator has is left as it is; one of ours, left
# by an installation that was killed, goes with this one.
# shellcheck disable=SC2016 # expanded by the inner shell, whose $0 is that policy-rc.d
no_services='
ours="# of smb-rehearsal, while it installs packages"
found=$ours
if [ -e "$0" ]; then
    found=
    { read -r _; read -r found; } <"$0" || true
fi
if [ "$found" = "$ours" ]; then
    trap "rm -f $0" EXIT
    trap "exit 130" INT TERM HUP
    printf "#!/bin/sh\n%s\nexit 101\n" "$ours" >"$0"
    chmod 755 "$0"
fi
"$@"'

# What the environment in $venv must be made of: the pins, and the very interpreter.
wanted_stamp() {
    cat "$here/requirements/run.txt"
    [ "$1" = run ] || cat "$here/requirements/cluster.txt" "$here/requirements/$1.txt"
    readlink -f "$venv/bin/python" || true
}

is_current() {
    [ -x "$venv/bin/python" ] && [ -r "$venv/stamp.$1" ] && [ "$(wanted_stamp "$1")" = "$(cat "$venv/stamp.$1")" ]
}

# Where the environment is: in the checkout where that can be written, else in the user's cache; sets $venv.
find_venv() {
    case $here in
        # Python takes it for the end of a path (PYTHONPATH), and venv refuses it.
        *:*) fail "$here: a folder with a colon in its name cannot hold the program; rename it, or move the checkout" ;;
    esac
    venv=$here/.venv
    is_current "$1" && return 0
    mkdir -p "$venv" 2>/dev/null && [ -w "$venv" ] && return 0
    home=${HOME-}
    case $home in /*) ;; *) home=$(getent passwd "$(id -u)" | cut -d: -f6) ;; esac
    cache=${XDG_CACHE_HOME-}
    case $cache in /*) ;; *) cache=$home/.cache ;; esac
    venv=$cache/smb-rehearsal/venv-$(printf %s "$here" | cksum | cut -d' ' -f1)
    mkdir -p "$venv" || fail "cannot write $here/.venv or $venv; set XDG_CACHE_HOME to a directory that can be written"
}

make_venv() {
    "$base_python" -c 'import sys; sys.argv[1].encode()' "$here" 2>/dev/null ||
        fail "$here: a folder whose name is no UTF-8 cannot hold the program; rename it, or move the checkout"
    if [ ! -x "$venv/bin/python" ] || [ ! -e "$venv/stamp.made" ] ||
        [ "$(readlink -f "$venv/bin/python")" != "$(cat "$venv/stamp.made")" ]; then
        say "making a Python environment in $venv"
        rm -rf "${venv:?}/bin" "${venv:?}/lib" "${venv:?}/lib64" "${venv:?}/include" "${venv:?}"/stamp.*
        "$base_python" -m venv "$venv" >&2 || fail "cannot make a Python environment in $venv"
        readlink -f "$venv/bin/python" >"$venv/stamp.made"
    fi
    say "installing Python packages ($1)"
    long "installing Python packages" "$venv/bin/python" -m pip install -qq --no-input --disable-pip-version-check \
        --require-hashes -r "$here/requirements/$1.txt" >&2 || fail "pip failed; what it said is above"
    wanted_stamp run >"$venv/stamp.run"
    [ "$1" = run ] || wanted_stamp "$1" >"$venv/stamp.$1"
}

find_all_packages() {
    find_packages
    if [ "$1" != run ]; then
        find_test_packages
        [ "$2" != vagrant ] || find_machine_test_packages
    fi
    case "$2" in
        vagrant)
            find_vagrant_packages
            find_hypervisor_packages
            ;;
        elsewhere)
            find_vagrant_packages
            have virsh || add libvirt-clients
            ;;
    esac
}

# Prints where the words of a command line want virtual machines: "vagrant" for here, "elsewhere" for another
# libvirt, nothing where they want none.
machines_wanted() {
    wanted=
    where=${SMB_REHEARSAL_URI:+elsewhere}
    case ${1-} in
        up) wanted=1 ;;
        boxes) case ${2-} in build | fetch | verify) wanted=1 ;; esac ;;
    esac
    before=
    for word in "$@"; do
        case "$before $word" in
            "--lab vagrant" | *" --lab=vagrant") wanted=1 ;;
            *" --connect" | *" --connect="*) where=elsewhere ;;
        esac
        before=$word
    done
    [ "${1-}" != boxes ] || where=
    [ -z "$wanted" ] || printf '%s\n' "${where:-vagrant}"
}

bootstrap() {
    find_all_packages "$1" "${2-}"
    find_venv "$1"
    if [ -n "$packages" ] || ! is_current "$1"; then
        # Two starts at once: the second waits, and then finds everything in place.
        exec 9>"$venv/lock"
        flock -n 9 || { say "waiting for another start to finish"; flock 9; }
        find_all_packages "$1" "${2-}"
        if is_current "$1"; then
            install_packages "$@"
        else
            find_python_packages
            install_packages "$@"
            find_python || fail "Python 3.11 or later is needed"
            make_venv "$1"
        fi
        exec 9>&-
    fi
    python=$venv/bin/python
    PYTHONPATH=$here
    # A directory "harness" where the user happens to be is none of ours.
    PYTHONSAFEPATH=1
    export PYTHONPATH PYTHONSAFEPATH
}
