"""Lists of devices with their makes: asset registers, leases of DHCP servers, exports of directories.

CSV with a host name, address or MAC, and a model, maker, vendor class, system or type in columns of any order
and several languages (Get-DhcpServerv4Lease and Get-ADComputer with Export-Csv among them). They tell which
machines there are and what their makes are called; nobody saw these connect.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from harness.fleet.forms.dates import Dates
from harness.fleet.importers._device_table import Column, lines_of, shipped_personas, table
from harness.fleet.importers._naming import clean, who
from harness.fleet.importers._repeated import Repeated
from harness.fleet.reading import Tally
from harness.fleet.sighting import Place, Role, Sighting

_NOBODY: Final = "a row without a name, an address or a make"
_LONGEST_NAME: Final = 64
_WHO = (Column.NAME, Column.ADDRESS, Column.MAC)
_WHAT = (Column.VENDOR, Column.MODEL, Column.OS, Column.TYPE, Column.CLIENT, Column.SEEN, Column.MAC)


class _AssetList:
    name = "assets"
    title = "lists of devices with their models: CSV of an asset register, DHCP server or directory"

    def recognises(self, head: str) -> bool:
        found = table(head.splitlines()[:40])
        if found is None:
            return False
        kind = found[1]
        return kind.has(*_WHO) and kind.has(*_WHAT, Column.ADDRESS) and not kind.has(Column.COUNT)

    def read(self, source: str, lines: Iterable[str], tally: Tally) -> Iterator[Sighting]:
        dates = Dates(tally)
        known: Repeated[tuple[str, ...], Sighting] = Repeated()
        for line in lines_of(lines, tally):
            when = line.word(Column.SEEN)
            key = (*line.cells,) if not when else ()
            if key in known:
                yield known[key].again(Place(source, line.number))
                continue
            address = who(line.word(Column.ADDRESS))
            written = line.word(Column.NAME)
            named = who(written)
            # In a list a device may be called anything: "Scanner 2nd floor".
            name = named.name or ("" if named.address or named.here else clean(written, _LONGEST_NAME))
            said, kind = line.make, line.word(Column.CLIENT)
            if named.here or address.here:
                tally.passed_over += 1
            elif not (address.address or named.address or name.strip("-") or said):
                tally.wonder(_NOBODY, line.number, line.text)
            else:
                one = Sighting(
                    Place(source, line.number),
                    address=address.address or named.address,
                    name=name.strip("-"),
                    role=Role.LISTED,
                    seen=dates.read(when, line.number),
                    said=said or clean(kind),
                    persona=kind if kind in shipped_personas() else "",
                )
                yield known.keep(key, one) if key else one


IMPORTER = _AssetList()
