"""The table ``kerberos`` of a persona file: how that kind of client does Kerberos."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from harness.smb.kerberos.manner import KerberosManner
from harness.smb.tap.kerberos import MECHANISMS

_ASSUMED: Final = KerberosManner()
_DOTTED: Final = re.compile(r"[0-2](\.[0-9]{1,10}){1,20}")
_Flags = Annotated[int, Field(ge=0, le=0xFFFFFFFF)]
_Int32 = Annotated[int, Field(ge=-(1 << 31), lt=1 << 31)]


class KerberosTable(BaseModel):
    """As it is written; what a file does not say is as Windows was recorded (``KerberosManner``)."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    mechanisms: tuple[str, ...] = Field(default=_ASSUMED.mechanisms, min_length=1)
    wide_lengths: bool = _ASSUMED.wide_lengths
    options: _Flags = _ASSUMED.options
    name_type: _Int32 = _ASSUMED.name_type
    transport: Literal["udp", "tcp"] = _ASSUMED.transport
    as_options: _Flags = _ASSUMED.as_options
    as_etypes: tuple[_Int32, ...] = Field(default=_ASSUMED.as_etypes, min_length=1)
    as_padata: tuple[_Int32, ...] = _ASSUMED.as_padata
    asks_first: bool = _ASSUMED.asks_first
    addresses: tuple[_Int32, ...] = _ASSUMED.addresses
    till: str = Field(default=_ASSUMED.till, pattern=r"^([0-9]{14}Z)?$")
    renew: bool = _ASSUMED.renew
    tgs_options: _Flags = _ASSUMED.tgs_options
    tgs_etypes: tuple[_Int32, ...] = Field(default=_ASSUMED.tgs_etypes, min_length=1)
    tgs_padata: tuple[_Int32, ...] = _ASSUMED.tgs_padata
    falls_back: tuple[Annotated[str, Field(pattern=r"^(\*|K[A-Z0-9_]+)$")], ...] = _ASSUMED.falls_back
    by_address: bool = _ASSUMED.by_address

    @model_validator(mode="after")
    def _mechanisms_are_known(self) -> Self:
        for name in self.mechanisms:
            if name not in MECHANISMS.values() and not _DOTTED.fullmatch(name):
                raise ValueError(
                    f"{name} is no mechanism: {', '.join(MECHANISMS.values())}, or a dotted number"
                )
        return self

    def manner(self) -> KerberosManner:
        """As the prober takes it."""
        return KerberosManner(**self.model_dump())
