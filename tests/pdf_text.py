"""The words of a PDF that typst set, in the order in which they stand in the file: enough to say what a reader would find.

Not a reader of other PDFs: it knows uncompressed objects, deflated streams, and fonts that map their glyphs to Unicode.
"""

import re
import zlib

_OBJECT = re.compile(rb"(\d+) 0 obj\s*(.*?)endobj", re.DOTALL)
_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_SHOWN = re.compile(
    rb"/(f\d+) [0-9.]+ Tf|\[((?:\((?:\\.|[^\\)])*\)|[^()\]])*)\] ?TJ|<[0-9A-Fa-f]+> ?Tj|\((?:\\.|[^\\)])*\) ?Tj",
    re.DOTALL,
)
_PAIR = re.compile(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>")


def text_of(pdf: bytes) -> str:
    """Return every shown text, each show apart by nothing and each page by a line's end."""
    objects = {int(number): body for number, body in _OBJECT.findall(pdf)}
    fonts = _fonts(pdf, objects)
    pages = [_inflated(body) for body in objects.values() if b"stream" in body]
    return "\n".join(_page(content, fonts) for content in pages if b" Tf" in content)


def _fonts(pdf: bytes, objects: dict[int, bytes]) -> dict[bytes, dict[int, str]]:
    found: dict[bytes, dict[int, str]] = {}
    for name, number in re.findall(rb"/(f\d+) (\d+) 0 R", pdf):
        told = re.search(rb"/ToUnicode (\d+) 0 R", objects[int(number)])
        assert told, "each font says what its glyphs mean"
        found[name] = _glyphs(_inflated(objects[int(told[1])]))
    return found


def _glyphs(cmap: bytes) -> dict[int, str]:
    glyphs: dict[int, str] = {}
    for block in re.findall(rb"beginbfchar(.*?)endbfchar", cmap, re.DOTALL):
        for glyph, text in _PAIR.findall(block):
            glyphs[int(glyph, 16)] = bytes.fromhex(text.decode()).decode("utf-16-be")
    return glyphs


def _inflated(body: bytes) -> bytes:
    stream = _STREAM.search(body)
    if stream is None or b"FlateDecode" not in body:
        return b""
    try:
        return zlib.decompress(stream[1])
    except zlib.error:
        return b""


def _page(content: bytes, fonts: dict[bytes, dict[int, str]]) -> str:
    glyphs: dict[int, str] = {}
    words: list[str] = []
    for match in _SHOWN.finditer(content):
        if match[1]:
            glyphs = fonts[match[1]]
            continue
        codes = b"".join(_codes(match[2] if match[2] is not None else match[0]))
        words.append("".join(glyphs.get(code, "?") for code in _pairs(codes)))
    return "".join(words)


def _codes(shown: bytes) -> list[bytes]:
    found: list[bytes] = []
    for hexadecimal, literal in re.findall(rb"<([0-9A-Fa-f]*)>|\(((?:\\.|[^\\)])*)\)", shown, re.DOTALL):
        found.append(bytes.fromhex(hexadecimal.decode()) if hexadecimal else _unescaped(literal))
    return found


def _unescaped(literal: bytes) -> bytes:
    known = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
    return re.sub(
        rb"\\([0-7]{1,3}|.)",
        lambda m: bytes([int(m[1], 8)]) if m[1].isdigit() else known.get(m[1], m[1]),
        literal,
        flags=re.DOTALL,
    )


def _pairs(codes: bytes) -> list[int]:
    return [int.from_bytes(codes[place : place + 2]) for place in range(0, len(codes), 2)]
