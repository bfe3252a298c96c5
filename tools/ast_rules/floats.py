"""The rule that money and quantities know no floats."""

import ast
from collections.abc import Iterator

from tools.ast_rules.source import Rule, Source


def _names_cents(node: ast.expr) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name.endswith("_cents") or name == "cents"


def _divides_cents(node: ast.BinOp) -> bool:
    return isinstance(node.op, ast.Div) and (_names_cents(node.left) or _names_cents(node.right))


def _floats(source: Source) -> Iterator[tuple[int, str]]:
    for node in source.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield node.lineno, f"{node.value} is a float; write cents, basis points or seconds as int, or a Decimal"
        elif isinstance(node, ast.Name) and node.id == "float":
            yield node.lineno, "float has no place here; money is int cents, a quantity is a Decimal"
        elif isinstance(node, ast.BinOp) and _divides_cents(node):
            yield node.lineno, "dividing cents loses some; use kit.money.allocate, whose parts add up"


FLOAT_MONEY = Rule("float-money", _floats, within=("src/payme/features", "src/payme/kit"))
