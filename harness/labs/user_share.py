"""A Samba of the local lab whose clients come to a share that a user made: a file of usershares.

smbd reads such files only from a folder that belongs to root, has the sticky bit, and in which others may
not write (source3/param/loadparm.c, load_usershare_shares). Real root makes one; in the lab of an ordinary
user smbd runs as the root of it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from harness.labs import namespace, shares
from harness.labs.domain.enter import as_root
from harness.labs.platforms import LocalBench
from harness.labs.samba import SambaServer
from harness.labs.writing import writing
from harness.servers.base import Server, ServerState

NAME: Final = "users-share"
"""Of the share."""
_FOLDER: Final = "usershares"
_EVERYBODY: Final = "S-1-1-0:F"
"""usershare_acl: the SID of Everyone, with full access ([MS-DTYP] 2.4.2.4)."""


class UserShareServer(SambaServer):
    """See ``harness.servers.user_share``."""

    def __init__(self, server: Server, bench: LocalBench) -> None:
        home = bench.home
        if not namespace.maps_lab_uid():
            home = replace(home, enter=as_root)
        super().__init__(server, home, bench.account, bench.root, bench.runners)
        self.target = replace(self.target, share=NAME)

    def _make_folder(self) -> None:
        super()._make_folder()
        folder = self._home.outside / _FOLDER
        file = folder / NAME
        with writing(folder):
            folder.mkdir()
            folder.chmod(0o1755)
            file.write_text(
                f"#VERSION 2\npath={self._home.inside / 'share'}\ncomment=\nusershare_acl={_EVERYBODY}\n"
                f"guest_ok=n\nsharename={NAME}\n"
            )
            # Whose file it is must be whose folder it shares (smb.conf(5), usershare owner only).
            namespace.hand_over(file)

    def _make_shares(self, state: ServerState) -> list[Path]:  # noqa: ARG002
        # smbd, as root, goes by the permission bits: to the kernel all is one user's.
        return shares.make_folder(self._home.outside / "share", 0o777)

    def _text(self, state: ServerState) -> str:
        path = str(self._home.inside / _FOLDER)
        return super()._text(replace(state, conf=state.conf.with_globals(usershare_path=path)))
