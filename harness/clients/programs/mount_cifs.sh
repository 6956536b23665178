# One use of the kernel's SMB client, in a guest, as root: mount, list, and for "write" create, read, delete.
# Its words: address, share, mount options, check, name of the file to write. Its stdin: the password.
# It prints what happened in sections; harness/clients/_kernel_log.py reads them.
address=$1
share=$2
options=$3
check=$4
file=$5
seconds=$6
PASSWD=$(cat)
export PASSWD LC_ALL=C

# The kernel has one log for all: one use at a time.
exec 9>/run/smb-rehearsal-cifs.lock
flock -w "$seconds" 9 || { echo "another use of this guest did not end" >&2; exit 75; }

at=$(mktemp -d /tmp/rehearse.XXXXXX)
tracing=/sys/kernel/tracing
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
create() { printf '%s' "$file" >"$at/$file"; }
finish() {
    mark end
    umount "$at" 2>/dev/null || umount -l "$at" 2>/dev/null
    rmdir "$at"
}
trap finish EXIT

# The kernel says a thing of SMB1 ten times in 5 s at most: each use gets a window of its own.
case ",$options," in
    *,vers=1.0,*)
        flag=+p
        last=$(cat /run/smb-rehearsal-cifs.last 2>/dev/null || echo 0)
        while [ $(($(cut -d. -f1 /proc/uptime) - last)) -lt 6 ]; do sleep 0.2; done
        cut -d. -f1 /proc/uptime >/run/smb-rehearsal-cifs.last
        ;;
    *) flag=-p ;;
esac
modprobe cifs
mountpoint -q "$tracing" || mount -t tracefs tracefs "$tracing"
mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
# Status codes in the kernel log (7), and the commands of SMB1, which has no trace points.
echo 7 >/proc/fs/cifs/cifsFYI
[ ! -e /sys/kernel/debug/dynamic_debug/control ] || echo "module cifs $flag" >/sys/kernel/debug/dynamic_debug/control
for event in smb3_cmd_err smb3_cmd_done smb3_connect_err smb3_connect_done smb3_tcon; do
    [ ! -e "$tracing/events/cifs/$event" ] || echo 1 >"$tracing/events/cifs/$event/enable"
done
echo >"$tracing/trace"
dmesg -C

echo "@@ kernel $(uname -r)"
phase mount timeout "$seconds" mount -t cifs "//$address/$share" "$at" -o "$options"
if mountpoint -q "$at"; then
    phase list timeout "$seconds" ls -A "$at"
    echo "@@ debug"
    sed -n '/^Servers/,$p' /proc/fs/cifs/DebugData
    if [ "$check" = write ]; then
        phase create create
        phase read timeout "$seconds" cat "$at/$file"
        phase delete timeout "$seconds" rm "$at/$file"
    fi
fi
echo "@@ trace"
grep -v '^#' "$tracing/trace" | head -n 2000
echo "@@ dmesg"
dmesg | head -n 2000
echo "@@ done"
