"""The rule that a failure nobody expected is answered at the edge and nowhere else."""

import ast
from collections.abc import Iterator

from tools.ast_rules.source import Rule, Source

BROAD = frozenset({"Exception", "BaseException"})


def _is_broad(kind: ast.expr | None) -> bool:
    if isinstance(kind, ast.Tuple):
        return any(_is_broad(each) for each in kind.elts)
    return kind is None or (isinstance(kind, ast.Name) and kind.id in BROAD)


def _broad(source: Source) -> Iterator[tuple[int, str]]:
    for node in source.nodes:
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type) and not isinstance(node.body[-1], ast.Raise):
            yield (
                node.lineno,
                (
                    "this swallows what nobody expected; name the error you can answer, and let the edge (runtime.http, "
                    "runtime.jobs, entrypoints) answer for the rest"
                ),
            )


BROAD_EXCEPT = Rule(
    "broad-except",
    _broad,
    within=("src/payme", "simulator/payme_sim"),
    without=("src/payme/runtime/http", "src/payme/runtime/jobs", "src/payme/entrypoints"),
)
