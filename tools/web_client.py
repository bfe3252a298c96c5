"""Writes `web/src/api/schema.d.ts`: what the till asks of the API, as types, so that it cannot ask for what is not there.

`make check` compares with the code, and the types with their use. Only paths of `USED` are in it, and bodies of commands, which
travel inside others. Invariant: the description is the one that `/openapi.json` serves.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from fastapi import FastAPI

from payme.entrypoints.api import all_features
from payme.runtime.http.app import OWN_FEATURES, describe, operations_of
from tools.web import ensure_packages, program

ROOT = Path(__file__).resolve().parent.parent
_B = "/v1/businesses/{business_id}"
USED = (
    "/v1/devices/register",
    f"{_B}/devices/me",
    f"{_B}/devices/me/credential",
    f"{_B}/devices/me/staff",
    f"{_B}/sync/commands",
    f"{_B}/sync/reconcile",
    f"{_B}/sync/{{collection}}/pull",
    f"{_B}/sales",
    f"{_B}/sales/{{sale_id}}",
    f"{_B}/sales/{{sale_id}}/refunds",
    f"{_B}/sales/{{sale_id}}/void",
)
_DOCUMENT = ROOT / ".cache" / "openapi.json"
_PREFIX = "#/components/schemas/"


def render() -> str:
    """Return the whole file."""
    features = [*all_features(), *OWN_FEATURES]
    document = describe(FastAPI(title="PayMe", version="1"), operations_of(features), features=features)
    _DOCUMENT.parent.mkdir(exist_ok=True)
    _DOCUMENT.write_text(json.dumps(_needed(document), sort_keys=True), encoding="utf-8")
    ensure_packages()
    return program("openapi-typescript", str(_DOCUMENT), "--alphabetize", "--default-non-nullable=false")


def _needed(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document with the paths that are used, and the schemas that these name. Raises: KeyError for a path that is gone."""
    paths = {path: document["paths"][path] for path in USED}
    schemas = document["components"]["schemas"]
    wanted, open_names = set[str](), set(_names(paths))
    while open_names:
        name = open_names.pop()
        wanted.add(name)
        open_names |= set(_names(schemas[name])) - wanted
    components = {**document["components"], "schemas": {name: schemas[name] for name in sorted(wanted)}}
    return {**document, "paths": paths, "components": components}


def _names(part: object) -> Iterator[str]:
    if isinstance(part, Mapping):
        for key, each in cast("Mapping[str, object]", part).items():
            if key == "$ref" and isinstance(each, str) and each.startswith(_PREFIX):
                yield each.removeprefix(_PREFIX)
            else:
                yield from _names(each)
    elif isinstance(part, list):
        for each in cast("list[object]", part):
            yield from _names(each)
