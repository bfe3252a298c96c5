"""House rules that need to see the code: each file is parsed once, and every rule looks at the same tree.

A rule is a code, the places it holds in, and a function from a source to findings; a finding's message says what to
do instead. `# house: allow <code> <reason>` on the line, or on the one above, lets one place pass; an allowance that
allows nothing is a finding itself. What ruff can say (printing, relative imports, complexity) is left to ruff.

Invariant: every rule has a right and a wrong fixture under tests/architecture/fixtures/ast_rules, named by its code.
"""

from collections.abc import Iterator, Sequence

from tools.ast_rules import floats, queries, suppressions, times, transactions
from tools.ast_rules.failures import BROAD_EXCEPT
from tools.ast_rules.source import Finding, Rule, Source

RULES: tuple[Rule, ...] = (
    transactions.COMMIT_OUTSIDE_EDGE,
    transactions.SESSION_SET,
    queries.COMPOSED_SQL,
    queries.UNNAMED_QUERY,
    floats.FLOAT_MONEY,
    BROAD_EXCEPT,
    times.NAIVE_TIME,
    suppressions.BARE_SUPPRESSION,
)


def check(source: Source, rules: Sequence[Rule] = RULES) -> Iterator[Finding]:
    """Yield what the rules find in one source, allowances taken into account, in the order of the rules."""
    used: set[int] = set()
    for rule in rules:
        if not rule.holds_in(source):
            continue
        for line, message in rule.find(source):
            allowed_on = next((at for at in (line, line - 1) if source.allowances.get(at) == rule.code), None)
            if allowed_on is None:
                yield Finding(source.path, line, rule.code, message)
            else:
                used.add(allowed_on)
    codes = {rule.code for rule in rules}
    for line, code in source.allowances.items():
        if code in codes and line not in used:
            yield Finding(source.path, line, "stale-allowance", f"nothing here breaks {code}; remove the allowance")
