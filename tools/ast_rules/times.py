"""The rule that the clock is passed in, and that every instant knows its zone."""

import ast
from collections.abc import Iterator

from tools.ast_rules.source import Rule, Source

READS_CLOCK = frozenset({"now", "utcnow", "today"})
NEEDS_ZONE = frozenset({"fromtimestamp", "utcfromtimestamp"})
CLASSES = frozenset({"datetime", "date"})


def _is_class(node: ast.expr) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name in CLASSES


def _naive(source: Source) -> Iterator[tuple[int, str]]:
    for node in source.nodes:
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_class(node.func.value)):
            continue
        method = node.func.attr
        if method in READS_CLOCK:
            yield node.lineno, f"{method}() reads the machine's clock; take a Clock, or `uow.now`, and pass it down"
        elif method in NEEDS_ZONE and len(node.args) + len(node.keywords) < len(("instant", "zone")):
            yield node.lineno, f"{method}() without a zone is an hour nobody can place; pass UTC or NAIROBI"


NAIVE_TIME = Rule("naive-time", _naive, within=("src/payme",), without=("src/payme/kit/time.py",))
