"""The domain of one server, a copy of the template: its people, its domain controller, its directory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from harness.labs.domain import conf as texts
from harness.labs.domain import copying
from harness.labs.domain.conf import Addresses
from harness.labs.domain.controller import Controller, Place
from harness.labs.domain.template import lacking
from harness.labs.writing import writing
from harness.model import Domain
from harness.model.accounts import ACCOUNTS, PROTECTED_USERS, SERVICE, USER
from harness.servers.in_domain import DC, REALM, WORKGROUP, Directory, InDomain

DIRECTORY_SECONDS: Final = 60.0
"""The most that a change of the domain's directory may take; measured: 1 s."""


class OwnDomain:
    """What a server in a domain has of it, wherever that server runs itself."""

    def __init__(self, template: Path | None, place: InDomain, at: Addresses) -> None:
        """``place``: the server's in it. Raises LabFault where this machine has no domain."""
        if template is None:
            raise lacking()
        self._template = template
        self._place = place
        self.at = at
        self._passwords: Mapping[str, str] = copying.facts(template).passwords
        self._enctypes = ""
        """msDS-SupportedEncryptionTypes of the machine's account as it was joined, once that was changed."""

    @property
    def password(self) -> str:
        """That of ``USER``."""
        return self._passwords[USER]

    @property
    def known(self) -> Domain:
        """What clients of the server know of its domain."""
        place = self._place
        return Domain(
            realm=REALM,
            workgroup=WORKGROUP,
            controller=self.at.controller,
            host=place.name,
            alias=place.alias,
            alias_with_spn=place.alias_with_spn,
            passwords=tuple((one.name, self._passwords[one.name]) for one in ACCOUNTS),
        )

    def controller(self, at: Place) -> Controller:
        """Its domain controller, not yet started."""
        place = self._place
        names = dict.fromkeys((place.name, place.alias, place.alias_with_spn), self.at.member)
        return Controller(at, self.password, {DC.name: self.at.controller, **names})

    def copy(self, host: str, outside: Path) -> None:
        """What a machine of the domain keeps, from the template, with this lab's addresses.

        Raises LabFault.
        """
        with writing(outside):
            for name in texts.FOLDERS:
                (outside / name).mkdir(parents=True, mode=0o755)
        copying.unpack(self._template, host, outside)
        if host == DC.host:
            copying.readdress(outside, self.at)

    def tell(self, controller: Controller, wanted: Directory) -> None:
        """Have its directory say so: in its database, which a KDC reads anew for each ticket.

        Raises LabFault.
        """
        place = controller.place
        order = {
            "conf": str(place.inside / "smb.conf"),
            "database": str(place.inside / "private" / "sam.ldb"),
            "user": USER,
            "group": PROTECTED_USERS,
            "protected": wanted.protected,
            "lockout": wanted.lockout,
            "service": SERVICE,
            "machine": f"{self._place.netbios}$",
            "enctypes": str(wanted.machine_enctypes or self._enctypes),
        }
        argv = ["/usr/bin/python3", "-c", copying.program("directory")]
        told = controller.ask(argv, stdin=json.dumps(order), seconds=DIRECTORY_SECONDS)
        before = told.check("the domain's directory cannot be changed").stdout.strip()
        self._enctypes = self._enctypes or before
