"""A camera that sees one barcode: the video that Chromium takes for its camera's, so that scanning is tried from light to cart.

Not a plugin; a test imports what it needs. Source: GS1 General Specifications, section 5.2 (EAN-13).
"""

from pathlib import Path

_LEFT = ("0001101", "0011001", "0010011", "0111101", "0100011", "0110001", "0101111", "0111011", "0110111", "0001011")
_PARITY = ("LLLLLL", "LLGLGG", "LLGGLG", "LLGGGL", "LGLLGG", "LGGLLG", "LGGGLL", "LGLGLG", "LGLGGL", "LGGLGL")
_WIDTH, _HEIGHT, _MODULE, _FRAMES = 640, 480, 4, 10


def bars_of(code: str) -> str:
    """Return the modules of an EAN-13: 1 is dark."""
    first, left, right = int(code[0]), code[1:7], code[7:]
    halves = [
        _LEFT[int(digit)] if parity == "L" else _right(digit)[::-1]
        for digit, parity in zip(left, _PARITY[first], strict=True)
    ]
    return "101" + "".join(halves) + "01010" + "".join(_right(digit) for digit in right) + "101"


def _right(digit: str) -> str:
    return "".join("1" if module == "0" else "0" for module in _LEFT[int(digit)])


def film(code: str, path: Path) -> Path:
    """Write a film of nothing but this barcode on white."""
    bars = b"".join((b"\x10" if module == "1" else b"\xeb") * _MODULE for module in bars_of(code))
    margin = (_WIDTH - len(bars)) // 2
    row = b"\xeb" * margin + bars + b"\xeb" * (_WIDTH - margin - len(bars))
    blank = b"\xeb" * _WIDTH
    top = 120
    luma = blank * top + row * (_HEIGHT - 2 * top) + blank * top
    chroma = b"\x80" * (_WIDTH * _HEIGHT // 2)
    header = f"YUV4MPEG2 W{_WIDTH} H{_HEIGHT} F10:1 Ip A1:1 C420\n".encode()
    path.write_bytes(header + (b"FRAME\n" + luma + chroma) * _FRAMES)
    return path
