"""Rules that keep the transaction where it belongs: ended at the edge, and leaking nothing into the session."""

import ast
import re
from collections.abc import Iterator

from tools.ast_rules.source import Rule, Source
from tools.ast_rules.sql import sql_calls

ENDS = frozenset({"commit", "rollback", "transaction"})
ENDING_SQL = re.compile(r"\s*(begin|start\s+transaction|commit|rollback|end)\b", re.IGNORECASE)
SETS_SESSION = re.compile(r"(?:^|;)\s*(?:--[^\n]*\n\s*)*set\s+(?!local\b|constraints\b)", re.IGNORECASE)
CONFIGURES_SESSION = re.compile(r"\bset_config\s*\([^)]*,\s*false\s*\)", re.IGNORECASE)


def _endings(source: Source) -> Iterator[tuple[int, str]]:
    message = (
        "only the edge begins and ends a transaction (payme.runtime.database); take the UnitOfWork you are given, "
        "and let it be committed or rolled back as a whole"
    )
    for node in source.nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ENDS:
            yield node.lineno, message
    for call in sql_calls(source):
        if call.text and ENDING_SQL.match(call.text):
            yield call.line, message


def _session_sets(source: Source) -> Iterator[tuple[int, str]]:
    for call in sql_calls(source):
        if call.text and (SETS_SESSION.search(call.text) or CONFIGURES_SESSION.search(call.text)):
            yield (
                call.line,
                (
                    "a setting of the session outlives the transaction and reaches the next tenant through a pooler; "
                    "write `set local`"
                ),
            )


COMMIT_OUTSIDE_EDGE = Rule(
    "commit-outside-edge", _endings, within=("src/payme",), without=("src/payme/runtime/database",)
)
SESSION_SET = Rule("session-set", _session_sets, within=("src/payme",))
