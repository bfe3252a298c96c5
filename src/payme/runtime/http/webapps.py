"""The browser's side, served from the same origin as the API: the page, its hashed files, its service worker.

What is built lies in `payme/web` (`make web`); where it was not built, these addresses do not exist. Invariants: only files that
the build made are served, read once; what has its content's hash in its name may be kept for ever, everything else is asked
for again; no script runs that is not a file of this origin.
"""

from __future__ import annotations

import gzip
import re
from functools import lru_cache
from pathlib import Path
from typing import Final

from starlette.responses import RedirectResponse, Response

import payme
from payme.kit.values import value
from payme.runtime.http.access import public
from payme.runtime.http.call import Call
from payme.runtime.http.errors import RouteUnknown
from payme.runtime.http.preconditions import etag_of, is_known
from payme.runtime.http.routing import Router

router = Router(tag="service")
_KINDS: Final = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}
_SQUEEZED: Final = frozenset({".html", ".js", ".css", ".svg", ".webmanifest"})
_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,120}")
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_ASK_AGAIN: Final = "no-cache"
# WebAssembly checks PINs and reads barcodes; it is compiled from files of this origin.
_POLICY: Final = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' data: blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# A till scans barcodes with the camera and prints over USB or a serial line.
_PERMISSIONS: Final = "camera=(self), geolocation=(), microphone=(), payment=(), usb=(self), serial=(self)"
_PRODUCES: Final = tuple(_KINDS.values())


@value
class BuiltFile:
    """A file of the build; `squeezed` is empty where it is small already."""

    content: bytes
    squeezed: bytes
    media_type: str
    tag: str


@router.get("/till", operation="till_bare", access=public, produces=("text/html",), budget=None, hidden=True)
async def till_bare(_call: Call) -> Response:
    """Lead to the folder that the service worker's scope is."""
    return RedirectResponse("/till/", 308)


@router.get("/till/", operation="till_page", access=public, produces=("text/html",), budget=None, hidden=True)
async def till_page(call: Call) -> Response:
    """Give the till's page."""
    return _answer(call, "till/index.html", keep=_ASK_AGAIN)


@router.get("/till/{name}", operation="till_file", access=public, produces=_PRODUCES, budget=None, hidden=True)
async def till_file(call: Call, name: str) -> Response:
    """Give a file beside the page: the service worker, the manifest, an icon."""
    return _answer(call, f"till/{_sane(name)}", keep=_ASK_AGAIN)


@router.get("/till/assets/{name}", operation="till_asset", access=public, produces=_PRODUCES, budget=None, hidden=True)
async def till_asset(call: Call, name: str) -> Response:
    """Give a file that has its content's hash in its name."""
    return _answer(call, f"till/assets/{_sane(name)}", keep=_FOR_EVER)


def _sane(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise RouteUnknown
    return name


def _answer(call: Call, path: str, *, keep: str) -> Response:
    file = _read(_folder() / path)
    headers = {
        "etag": file.tag,
        "cache-control": keep,
        "vary": "accept-encoding",
        "content-security-policy": _POLICY,
        "permissions-policy": _PERMISSIONS,
    }
    if is_known(call.request.headers.get("if-none-match"), file.tag):
        return Response(status_code=304, headers=headers)
    if file.squeezed and "gzip" in call.request.headers.get("accept-encoding", ""):
        headers["content-encoding"] = "gzip"
        return Response(file.squeezed, 200, headers, file.media_type)
    return Response(file.content, 200, headers, file.media_type)


def _folder() -> Path:
    return Path(payme.__file__).parent / "web"


def _read(path: Path) -> BuiltFile:
    try:
        return _file(path, path.stat().st_mtime_ns)
    except OSError:
        raise RouteUnknown from None


@lru_cache(maxsize=256)
def _file(path: Path, _built_at: int) -> BuiltFile:
    """Return a file; one that was built anew is read anew. Raises: RouteUnknown, OSError."""
    kind = path.suffix
    if kind not in _KINDS or not path.is_file():
        raise RouteUnknown
    content = path.read_bytes()
    squeezed = gzip.compress(content, mtime=0) if kind in _SQUEEZED else b""
    return BuiltFile(content, squeezed, _KINDS[kind], etag_of(content))
