"""What every root file system in the lab has: the servers' user, the accounts, the devices.

Apart from how one is built, so that the lab's first process, which needs no more, stays small.
"""

from __future__ import annotations

LAB_UID = 64445
"""The user that servers run as inside an image: not taken on any Debian system (Debian Policy 9.2.2)."""

DEVICES = ("null", "zero", "urandom", "random")

FILES = {
    "etc/passwd": "root:x:0:0:root:/:/bin/sh\n"
    f"rehearse:x:{LAB_UID}:{LAB_UID}::/:/bin/false\n"
    "nobody:x:65534:65534::/:/bin/false\n",
    "etc/group": f"root:x:0:\nrehearse:x:{LAB_UID}:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "etc/hosts": "127.0.0.1 localhost\n",
}
