"""Where SQL is in a module: the argument of a call that runs or defers it.

Shared by the rules about transactions and about queries; knows no rule itself.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from tools.ast_rules.source import Source

# name of the method: place of the SQL among its arguments
RUNS_SQL = {
    "fetch": 0,
    "fetchrow": 0,
    "fetchval": 0,
    "fetchmany": 0,
    "execute": 0,
    "executemany": 0,
    "prepare": 0,
    "cursor": 0,
    "copy_from_query": 0,
}
DEFERS_SQL = {"defer": 1}
SQL_KEYWORDS = ("query", "sql", "call", "command")


@dataclass(frozen=True, slots=True)
class SqlCall:
    """A call that is given SQL; `text` is None where it is not spelled out in this module."""

    line: int
    method: str
    argument: ast.expr
    text: str | None


def sql_calls(source: Source) -> Iterator[SqlCall]:
    """Yield every call of a method that takes SQL, with the text where it can be read here."""
    places = RUNS_SQL | DEFERS_SQL
    for node in source.nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in places:
            argument = _argument(node, places[node.func.attr])
            if argument is not None:
                yield SqlCall(argument.lineno, node.func.attr, argument, _text(source, argument))


def _argument(call: ast.Call, place: int) -> ast.expr | None:
    if len(call.args) > place:
        return call.args[place]
    return next((each.value for each in call.keywords if each.arg in SQL_KEYWORDS), None)


def constant_text(source: Source, expression: ast.expr) -> str | None:
    """Return the text of a literal, of a constant of this module, or of several of them joined by `+`; else None."""
    if isinstance(expression, ast.Constant) and isinstance(expression.value, str):
        return expression.value
    if isinstance(expression, ast.Name) and expression.id in source.constants:
        return constant_text(source, source.constants[expression.id])
    if isinstance(expression, ast.BinOp) and isinstance(expression.op, ast.Add):
        left, right = constant_text(source, expression.left), constant_text(source, expression.right)
        return None if left is None or right is None else left + right
    return None


def _text(source: Source, argument: ast.expr) -> str | None:
    if isinstance(argument, ast.JoinedStr):
        literals = (part.value if isinstance(part, ast.Constant) else "?" for part in argument.values)
        return "".join(str(literal) for literal in literals)
    return constant_text(source, argument)
