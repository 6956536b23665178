"""DER (X.690) of pyasn1's values, with every INTEGER as short as 8.3.2 wants it.

pyasn1 0.6 writes -128 in two bytes. It is an encryption type that Windows XP and 7 offer, in one byte.
"""

from __future__ import annotations

from typing import Any

from pyasn1.codec.ber import encoder as ber
from pyasn1.codec.der import encoder as der
from pyasn1.type import univ


class _Integer(ber.IntegerEncoder):  # type: ignore[misc]
    def encodeValue(self, value: Any, *_: Any, **__: Any) -> tuple[bytes, bool, bool]:  # noqa: N802 (pyasn1's)
        number = int(value)
        size = (~number if number < 0 else number).bit_length() // 8 + 1
        return number.to_bytes(size, "big", signed=True), False, True


class _Item(der.SingleItemEncoder):  # type: ignore[misc]
    TAG_MAP = {**der.TAG_MAP, univ.Integer.tagSet: _Integer()}  # noqa: RUF012 (as pyasn1 has them)
    TYPE_MAP = {**der.TYPE_MAP, univ.Integer.typeId: _Integer()}  # noqa: RUF012


class _Encoder(der.Encoder):  # type: ignore[misc]
    SINGLE_ITEM_ENCODER = _Item


encode = _Encoder()
