# One use of the kernel's SMB client, in a guest, as root: mount, list, and for "write" create, read, delete.
# Its words: what the server is called, share, mount options, check, name of the file to write, seconds that
# each part may take, and who logs on with a ticket ("" for nobody).
# Its stdin: the password, then a krb5.conf(5) for whoever does. It prints what happened in sections;
# harness/clients/_kernel_log.py reads them.
# Every program that is started here costs 50 ms in an emulated guest, so there are few.
address=$1 share=$2 options=$3 check=$4 file=$5 seconds=$6 principal=$7
read -r PASSWD || true
export PASSWD LC_ALL=C

# The kernel has one log for all: one use at a time.
exec 9>/run/smb-rehearsal-cifs.lock
flock -w "$seconds" 9 || { echo "another use of this guest did not end" >&2; exit 75; }

at=/run/smb-rehearsal-cifs
tracing=/sys/kernel/tracing
control=/sys/kernel/debug/dynamic_debug/control
[ -d "$at" ] || mkdir "$at"
[ -e "$tracing/trace" ] || mount -t tracefs tracefs "$tracing"
[ -e "$control" ] || mount -t debugfs debugfs /sys/kernel/debug

mark() {
    echo "rehearse-cifs $1" >"$tracing/trace_marker"
    echo "rehearse-cifs $1" >/dev/kmsg
}
# Runs one phase: a section with its exit status and all that it says.
phase() {
    name=$1
    shift
    mark "$name"
    said=$("$@" 2>&1)
    echo "@@ $name $?"
    printf '%s\n' "$said"
}
# The ports of this guest's connections to an SMB server, also of those that ended a moment ago.
ports() {
    while read -r _ local remote _; do
        case "$remote" in *:01BD) printf ' %s' "${local##*:}" ;; esac
    done </proc/net/tcp
}
ticket() { printf '%s\n' "$PASSWD" | timeout "$seconds" kinit "$principal"; }
create() { printf '%s' "$file" >"$at/$file"; }
content() { read -r line <"$at/$file"; code=$?; printf '%s\n' "$line"; [ "$code" -eq 0 ] || [ -n "$line" ]; }
finish() {
    mark end
    umount "$at" 2>/dev/null || umount -l "$at" 2>/dev/null || true
}
trap finish EXIT

case ",$options," in
    *,vers=1.0,*)
        # SMB1 has no trace points, only debug messages, of which the kernel prints ten in 5 s for each place
        # in its code. A module that was loaded anew has used up none of them.
        rmmod cifs 2>/dev/null || true
        flag=+p
        ;;
    *) flag=-p ;;
esac
[ -d /sys/module/cifs ] || modprobe cifs
# Status codes in the kernel log.
echo 7 >/proc/fs/cifs/cifsFYI
[ ! -e "$control" ] || echo "module cifs $flag" >"$control"
for event in smb3_cmd_err smb3_cmd_done smb3_connect_err smb3_connect_done smb3_tcon; do
    [ ! -e "$tracing/events/cifs/$event" ] || echo 1 >"$tracing/events/cifs/$event/enable"
done
echo >"$tracing/trace"

read -r release </proc/sys/kernel/osrelease
echo "@@ kernel $release"
# The kernel log from here on: a new reader of /dev/kmsg would get all of it.
dmesg -C
echo "@@ before$(ports)"
if [ -n "$principal" ]; then
    # Where cifs.upcall(8) looks for root's tickets, whatever KRB5CCNAME says; and mount.cifs shall not try once
    # more for the user that was before sudo(8).
    KRB5CCNAME=FILE:/tmp/krb5cc_0
    export KRB5CCNAME
    unset SUDO_UID
    rm -f "${KRB5CCNAME#FILE:}"
    cat >/etc/krb5.conf
    phase ticket ticket
fi
phase mount timeout "$seconds" mount.cifs "//$address/$share" "$at" -o "$options"
mounted=no
while read -r _ point kind _; do
    [ "$point $kind" != "$at cifs" ] || mounted=yes
done </proc/mounts
if [ "$mounted" = yes ]; then
    phase list timeout "$seconds" ls -A "$at"
    echo "@@ debug"
    while read -r line; do echo "$line"; done </proc/fs/cifs/DebugData
    if [ "$check" = write ]; then
        phase create create
        phase read content
        phase delete rm "$at/$file"
    fi
fi
[ -z "$principal" ] || phase tickets klist -e
echo "@@ ports$(ports)"
echo "@@ trace"
head -n 2000 "$tracing/trace"
echo "@@ dmesg"
dmesg
# Not by read: the shell asks for one byte at a time, and the kernel answers the first one alone.
echo "@@ tainted $(cat /proc/sys/kernel/tainted)"
echo "@@ done"
