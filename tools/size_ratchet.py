"""Limits on the size of files, functions and parameter lists, with a ratchet for what is larger.

A function's lines are those of its body without the docstring: a signature is limited by its parameters, and words
that explain are never cut to fit. What exceeds a limit stands in `size_ratchet.toml` with its exact size and a reason.

Invariant: an entry never grows. One that is larger than the code it names is out of date, and so is one no longer
needed; both fail, so that what was won is kept.
"""

import ast
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RATCHET = Path(__file__).with_name("size_ratchet.toml")
PLACES = ("src", "simulator", "tools")
LIMITS = {"file": 400, "function": 60, "endpoint": 20, "parameters": 6}
NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
ROUTE_METHODS = frozenset({"get", "post", "put", "patch", "delete", "api_route"})


@dataclass(frozen=True, slots=True)
class Size:
    """One thing measured: `src/payme/x.py`, or `src/payme/x.py:Class.function`."""

    kind: str
    name: str
    value: int


@dataclass(frozen=True, slots=True)
class Exceeding:
    """A size that the ratchet tolerates, and why."""

    value: int
    reason: str


def measure(path: str, text: str) -> Iterator[Size]:
    """Yield every size in one file."""
    yield Size("file", path, len(text.splitlines()))
    yield from _functions(ast.parse(text, path), path)


def _functions(node: ast.AST, path: str, *, prefix: str = "") -> Iterator[Size]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{path}:{prefix}{child.name}"
            yield Size("endpoint" if _is_endpoint(path, child) else "function", name, _body_lines(child))
            yield Size("parameters", name, _parameters(child))
        inner = f"{prefix}{child.name}." if isinstance(child, NAMED) else prefix
        yield from _functions(child, path, prefix=inner)


def _is_endpoint(path: str, function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    if not path.endswith("/endpoints.py"):
        return False
    calls = (each.func for each in function.decorator_list if isinstance(each, ast.Call))
    return any(isinstance(call, ast.Attribute) and call.attr in ROUTE_METHODS for call in calls)


def _body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    arguments = function.args
    named = [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return len([name for name in named if name not in {"self", "cls"}])


def exceptions(text: str) -> dict[tuple[str, str], Exceeding]:
    """Read the ratchet: a table per kind, an entry per name with its `size` and `reason`."""
    tables = tomllib.loads(text)
    return {
        (kind, name): Exceeding(entry["size"], entry["reason"])
        for kind, entries in tables.items()
        for name, entry in entries.items()
    }


def complaints(sizes: list[Size], allowed: dict[tuple[str, str], Exceeding]) -> Iterator[str]:
    """Yield a sentence for each size over its limit, and for each entry of the ratchet that is out of date."""
    seen: set[tuple[str, str]] = set()
    for size in sizes:
        limit, key = LIMITS[size.kind], (size.kind, size.name)
        exceeding = allowed.get(key)
        if exceeding is None:
            if size.value > limit:
                yield f"{size.name}: {size.kind} of {size.value}, limit {limit}; split it by use case or idea"
            continue
        seen.add(key)
        if size.value > exceeding.value:
            yield f"{size.name}: {size.kind} grew from {exceeding.value} to {size.value}; the ratchet only turns back"
        elif size.value <= limit:
            yield f"{size.name}: {size.kind} is within {limit} now; remove its entry from {RATCHET.name}"
        elif size.value < exceeding.value:
            yield f"{size.name}: {size.kind} shrank to {size.value}; lower its entry in {RATCHET.name}"
    for kind, name in allowed.keys() - seen:
        yield f"{name}: no such {kind} any more; remove its entry from {RATCHET.name}"


def main() -> int:
    """Print every complaint; return 1 when there is one."""
    files = [file for place in PLACES for file in sorted((ROOT / place).rglob("*.py"))]
    sizes = [
        size for file in files for size in measure(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8"))
    ]
    found = list(complaints(sizes, exceptions(RATCHET.read_text(encoding="utf-8"))))
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
