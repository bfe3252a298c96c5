"""The description of the API for programs (`/openapi.json`) and for people (`/docs`), served from this package alone.

The page loads nothing from elsewhere, so that it works in a shop without the internet and under a strict content policy.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from starlette.responses import RedirectResponse, Response

from payme.runtime.http.access import public
from payme.runtime.http.call import Call
from payme.runtime.http.errors import RouteUnknown
from payme.runtime.http.preconditions import etag_of, is_known
from payme.runtime.http.routing import Router

router = Router(tag="service")
_FILES = {"docs.js": "text/javascript", "docs.css": "text/css"}


@router.get("/openapi.json", operation="openapi", access=public, produces=("application/json",), hidden=True)
async def openapi(call: Call) -> Response:
    """Give the OpenAPI 3.1 document."""
    edge = call.edge
    if not edge.description:
        edge.description = json.dumps(call.request.app.openapi(), ensure_ascii=False).encode()
    return _cacheable(call, edge.description, media_type="application/json")


@router.get("/", operation="home", access=public, produces=("text/html",), hidden=True)
async def home(_call: Call) -> Response:
    """Lead a person who opens the bare address to the reference."""
    return RedirectResponse("/docs", 307)


@router.get("/docs", operation="docs", access=public, produces=("text/html",), hidden=True)
async def docs(call: Call) -> Response:
    """Show the reference as a page."""
    return _cacheable(call, _file("docs.html"), media_type="text/html")


@router.get("/docs/{name}", operation="docs_file", access=public, produces=("text/javascript", "text/css"), hidden=True)
async def docs_file(call: Call, name: str) -> Response:
    """Give a file that the page needs."""
    if name not in _FILES:
        raise RouteUnknown
    return _cacheable(call, _file(name), media_type=_FILES[name])


@cache
def _file(name: str) -> bytes:
    return files("payme.runtime.http").joinpath("pages", name).read_bytes()


def _cacheable(call: Call, content: bytes, *, media_type: str) -> Response:
    tag = etag_of(content)
    headers = {"etag": tag, "cache-control": "no-cache"}
    if is_known(call.request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    return Response(content, 200, headers, media_type)
