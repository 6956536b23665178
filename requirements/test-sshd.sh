#!/bin/sh
# test-sshd.sh FOLDER: unpacks Debian's openssh-server into FOLDER, for the tests, unless this machine has it.
#
# It is not installed, for then it would run on this machine from its next boot on. What it needs and this
# machine has not (libraries, ssh-keygen) is unpacked beside it. Root is not needed: apt-get gets lists of its
# own. Where that is not possible the tests that need it are skipped, and say so. Messages go to stderr.
set -eu
folder=$1
[ ! -x /usr/sbin/sshd ] || exit 0
[ ! -e "$folder/done" ] || exit 0
say() {
    printf 'test: %s\n' "$*" >&2
}
command -v apt-get >/dev/null || { say "no openssh-server, and no apt-get to fetch it: some tests are skipped"; exit 0; }
say "fetching Debian's openssh-server into $folder for the tests; it is not installed"
rm -rf "$folder"
mkdir -p "$folder/apt/state/lists/partial" "$folder/apt/cache/archives/partial"
# Of this machine it reads what is installed and where packages come from, and writes nothing.
apt() {
    apt-get -qq -o "Dir::State=$folder/apt/state" -o "Dir::Cache=$folder/apt/cache" \
        -o Dir::State::status=/var/lib/dpkg/status -o Debug::NoLocking=1 -o "APT::Sandbox::User=$(id -un)" "$@"
}
if ! { apt update && apt -y --no-install-recommends --download-only install openssh-server; } >"$folder/log" 2>&1; then
    cat "$folder/log" >&2
    say "openssh-server could not be fetched, what apt-get said is above: some tests are skipped"
    exit 0
fi
for package in "$folder"/apt/cache/archives/*.deb; do
    dpkg-deb -x "$package" "$folder"
done
rm -rf "$folder/apt"
: >"$folder/done"
