#!/bin/sh
# test-sshd.sh FOLDER: unpacks Debian's openssh-server into FOLDER, for the tests, unless this machine has it.
#
# It is not installed, for then it would run on this machine from its next boot on. What it needs and this
# machine has not (libraries, ssh-keygen) is unpacked beside it. Where that is not possible the tests that
# need it are skipped, and say so. Messages go to stderr.
set -eu
folder=$1
[ ! -x /usr/sbin/sshd ] || exit 0
[ ! -e "$folder/done" ] || exit 0
say() {
    printf 'test: %s\n' "$*" >&2
}
sudo=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { say "no openssh-server, and neither root nor sudo to fetch it: some tests are skipped"; exit 0; }
    sudo=sudo
fi
command -v apt-get >/dev/null || { say "no openssh-server, and no apt-get to fetch it: some tests are skipped"; exit 0; }
say "fetching Debian's openssh-server${sudo:+ with sudo} into $folder for the tests; it is not installed"
rm -rf "$folder"
mkdir -p "$folder/archives/partial"
if ! { $sudo apt-get -qq -o DPkg::Lock::Timeout=300 update &&
    $sudo apt-get -qq -y -o DPkg::Lock::Timeout=300 -o APT::Sandbox::User=root -o "Dir::Cache::archives=$folder/archives" \
        --no-install-recommends --download-only install openssh-server; } >"$folder/log" 2>&1; then
    cat "$folder/log" >&2
    say "openssh-server could not be fetched, what apt-get said is above: some tests are skipped"
    exit 0
fi
for package in "$folder"/archives/*.deb; do
    dpkg-deb -x "$package" "$folder"
done
$sudo rm -rf "$folder/archives"
: >"$folder/done"
