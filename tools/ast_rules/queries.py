"""Rules about the text of a query: it is a constant, and it carries its name."""

import ast
import re
from collections.abc import Iterator

from tools.ast_rules.source import Rule, Source
from tools.ast_rules.sql import DEFERS_SQL, constant_text, sql_calls

FEATURES = "src/payme/features/"
CONSTANT_NAME = re.compile(r"_?[A-Z][A-Z0-9_]*")


def _is_constant(source: Source, argument: ast.expr) -> bool:
    if isinstance(argument, ast.Constant):
        return True
    if isinstance(argument, ast.Attribute):
        return bool(CONSTANT_NAME.fullmatch(argument.attr))
    if isinstance(argument, ast.Name) and CONSTANT_NAME.fullmatch(argument.id):
        imported = argument.id not in source.constants  # and judged where it is assigned
        return imported or constant_text(source, argument) is not None
    return False


def _composed(source: Source) -> Iterator[tuple[int, str]]:
    for call in sql_calls(source):
        if not _is_constant(source, call.argument):
            yield (
                call.line,
                (
                    f"the SQL given to {call.method}() is put together at run time; write one constant text and pass "
                    "values as $1, $2 (choose between two queries with `if`, filter with `$1::text is null or …`)"
                ),
            )


def _unnamed(source: Source) -> Iterator[tuple[int, str]]:
    feature = source.path.removeprefix(FEATURES).partition("/")[0]
    name = re.compile(rf"\s*--\s{feature}\.[a-z][a-z0-9_]*\s*\n")
    for call in sql_calls(source):
        if call.method not in DEFERS_SQL and call.text is not None and not name.match(call.text):
            yield (
                call.line,
                (
                    f"begin the query with its name on a line of its own, `-- {feature}.find_something`, so that a slow "
                    "query in a log leads back to this function"
                ),
            )


COMPOSED_SQL = Rule(
    "composed-sql", _composed, within=("src/payme", "simulator/payme_sim"), without=("src/payme/runtime/database",)
)
UNNAMED_QUERY = Rule("unnamed-query", _unnamed, within=(f"{FEATURES}*/repository.py", f"{FEATURES}*/repository"))
