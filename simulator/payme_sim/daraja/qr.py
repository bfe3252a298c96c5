"""Dynamic QR: `/mpesa/qrcode/v1/generate`.

Lives here: field rules, and a picture of the right size. Does not live here: payments, which no QR makes.
Invariant: the picture is a valid PNG of the size asked for; it is no readable code, because nothing here would scan it.
"""

from __future__ import annotations

import base64
import hashlib
import re
import struct
import zlib
from typing import Any

from payme_sim.daraja.fields import ANYTHING, MSISDN, SHORTCODE, FieldRefused, read_amount, read_choice, read_text
from payme_sim.gateway import Call

_TO_NUMBERS = ("SM", "SB")
_CODES = ("BG", "PB", "WA", *_TO_NUMBERS)
_SIZE = re.compile(r"[1-9]\d{0,3}", re.ASCII)
_REFERENCE = re.compile(r".{1,20}")
_LARGEST_SIZE = 1000
_MODULES = 21


async def generate_qr(call: Call) -> dict[str, Any]:
    """Answer with a picture; its content is what was asked for, scrambled."""
    call.app()
    body = call.body()
    fields = [
        read_text(body, "MerchantName", pattern=ANYTHING),
        read_text(body, "RefNo", pattern=_REFERENCE),
        str(read_amount(body)),
        code := read_choice(body, "TrxCode", choices=_CODES),
        read_text(body, "CPI", pattern=MSISDN if code in _TO_NUMBERS else SHORTCODE),
    ]
    size = int(read_text(body, "Size", pattern=_SIZE))
    if size > _LARGEST_SIZE:
        raise FieldRefused("Size")
    return {
        "ResponseCode": "00",
        "RequestID": call.world.dice.request_id(),
        "ResponseDescription": "The service request is processed successfully.",
        "QRCode": base64.b64encode(_picture("|".join(fields), size)).decode(),
    }


def _picture(text: str, size: int) -> bytes:
    """Draw a grey PNG of squares whose pattern is the text's own."""
    bits = int.from_bytes(hashlib.shake_256(text.encode()).digest((_MODULES * _MODULES + 7) // 8), "big")

    def row(y: int) -> bytes:
        line = y * _MODULES // size * _MODULES
        return bytes(255 * (bits >> (line + x * _MODULES // size) & 1) for x in range(size))

    pixels = b"".join(b"\x00" + row(y) for y in range(size))
    header = struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0)
    chunks = _chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(pixels)), _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
