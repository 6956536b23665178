"""The words of the verb images: those of the lab, and those that the user adds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.base import verb
from harness.cli.options import as_json

if TYPE_CHECKING:
    from harness.cli.base import Subparsers


def images(verbs: Subparsers) -> None:
    parser = verb(
        verbs,
        "images",
        "images:images_",
        "your own server's Samba: add it from a tar archive or an apt archive, list or remove it",
        """  rehearse images list
  rehearse images add nas --tar nas.tar.gz     of: docker export CONTAINER | gzip > nas.tar.gz
  rehearse run 'nt-pipe-support-off:samba-nas:windows-7,smbclient:open'
  rehearse images add nas-new --tar new-firmware.tar
  rehearse images add nas-old --tar old-firmware.tar --patched nas-new
  rehearse images add office --suite SUITE --mirror file:///srv/archive --keyring /srv/archive.gpg
  rehearse images remove nas""",
        more="An image NAME makes the server samba-NAME, and samba-NAME-smb1 where its Samba refuses SMB1 or "
        "NTLMv1 by default. Its Samba is asked what it can do, and started once, in the lab's namespace: "
        "nothing of the archive runs anywhere else. See docs/your-images.md.",
    )
    operations = parser.add_subparsers(dest="operation", metavar="add|list|remove", required=True)
    add = operations.add_parser(
        "add",
        help="make an image, and with it a server",
        description="Make an image of a root file system with smbd in it, and with it the server samba-NAME.",
    )
    add.add_argument("name", metavar="NAME", help="small letters, digits, dots, hyphens")
    source = add.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--tar",
        type=Path,
        metavar="FILE",
        help="a root file system as docker export or a backup writes it; by gzip, xz, zstd, bzip2 or plain",
    )
    source.add_argument(
        "--suite", metavar="SUITE", help="of an apt archive, which its packages are taken from"
    )
    add.add_argument("--mirror", metavar="URL", help="with --suite: the address of the archive")
    add.add_argument(
        "--keyring", type=Path, metavar="FILE", help="with --suite: the keys that its releases are signed by"
    )
    add.add_argument(
        "--component",
        action="append",
        metavar="NAME",
        help="with --suite: where its packages are, more than once for several (main)",
    )
    add.add_argument(
        "--packages",
        metavar="NAMES",
        help="with --suite: what is extracted, separated by commas (samba,base-files)",
    )
    add.add_argument(
        "--apt-option",
        action="append",
        metavar="NAME=VALUE",
        help="with --suite: an option of sources.list(5), as archived suites need: check-valid-until=no is "
        "always set, allow-weak=yes takes signatures by SHA-1",
    )
    add.add_argument(
        "--patched",
        default="",
        metavar="IMAGE",
        help="the image that its vendor's patch makes of it: the mitigation vendor-patch",
    )
    add.add_argument("--quiet", action="store_true", help="no progress on stderr")
    as_json(add)
    as_json(operations.add_parser("list", help="all images: the lab's, and yours"))
    remove = operations.add_parser("remove", help="remove images of yours; runs with them can still be read")
    remove.add_argument("names", nargs="+", metavar="NAME", help="an image that you added")
