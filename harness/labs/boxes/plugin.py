"""Whether Vagrant has its libvirt provider, which is a plugin."""

from __future__ import annotations

from pathlib import Path

from harness.labs.boxes import fetch
from harness.system.programs import INSTALL

NAME = "vagrant-libvirt"
DEBIAN = Path(f"/usr/share/vagrant-plugins/plugins.d/{NAME}.json")
"""Where Debian's package registers it."""


def hint() -> str:
    """How to have it."""
    return f"{INSTALL} {NAME}, or: VAGRANT_HOME={fetch.vagrant_home()} vagrant plugin install {NAME}"


def registered() -> bool:
    """Registered where Vagrant looks for plugins, as far as files tell (Vagrant itself takes a second).

    False says nothing for sure: other packages of Vagrant have registers of their own.
    """
    if DEBIAN.exists():
        return True
    try:
        # What `vagrant plugin install` writes.
        return f'"{NAME}"' in (fetch.vagrant_home() / "plugins.json").read_text()
    except (OSError, UnicodeDecodeError):
        return False
