"""Every house rule finds what it forbids, line by line, passes what it permits, and the product breaks none."""

from pathlib import Path

import pytest

from tools.ast_rules import RULES, check
from tools.ast_rules.__main__ import findings
from tools.ast_rules.source import Rule, Source

FIXTURES = Path(__file__).parent / "fixtures" / "ast_rules"
RULES_BY_CODE = [pytest.param(rule, id=rule.code) for rule in RULES]


def fixture_source(rule: Rule, name: str) -> Source:
    text = (FIXTURES / rule.code / name).read_text(encoding="utf-8")
    return Source(text.splitlines()[0].removeprefix("# at: "), text)


@pytest.mark.parametrize("rule", RULES_BY_CODE)
def test_rule_finds_every_marked_line_and_no_other(rule: Rule):
    source = fixture_source(rule, "wrong.py")
    marked = {number for number, line in enumerate(source.text.splitlines(), 1) if line.endswith("# breaks")}
    assert marked
    assert {finding.line for finding in check(source, [rule])} == marked


@pytest.mark.parametrize("rule", RULES_BY_CODE)
def test_rule_passes_what_it_permits(rule: Rule):
    source = fixture_source(rule, "right.py")
    assert rule.holds_in(source)
    assert list(check(source, [rule])) == []


def test_every_fixture_belongs_to_a_rule():
    assert {folder.name for folder in FIXTURES.iterdir()} == {rule.code for rule in RULES}


@pytest.mark.parametrize(
    ("code", "path"),
    [
        ("commit-outside-edge", "src/payme/runtime/database/database.py"),
        ("composed-sql", "src/payme/runtime/database/database.py"),
        ("broad-except", "src/payme/runtime/http/application.py"),
        ("broad-except", "src/payme/runtime/jobs/worker.py"),
        ("broad-except", "src/payme/entrypoints/api.py"),
        ("naive-time", "src/payme/kit/time.py"),
        ("unnamed-query", "src/payme/features/sales/services/complete_sale.py"),
        ("float-money", "src/payme/runtime/http/application.py"),
    ],
)
def test_rule_is_silent_where_it_does_not_hold(code: str, path: str):
    rule = next(each for each in RULES if each.code == code)
    wrong = fixture_source(rule, "wrong.py")
    assert list(check(Source(path, wrong.text), [rule])) == []


def test_a_repository_may_be_a_folder():
    rule = next(each for each in RULES if each.code == "unnamed-query")
    for name, found in (("wrong.py", True), ("right.py", False)):
        source = Source("src/payme/features/sales/repository/receipts.py", fixture_source(rule, name).text)
        assert bool(list(check(source, [rule]))) is found


def test_an_allowance_that_allows_nothing_is_a_finding():
    text = "# house: allow float-money once there was a float here\nPRICE_CENTS = 100\n"
    (finding,) = check(Source("src/payme/kit/money.py", text))
    assert (finding.code, finding.line) == ("stale-allowance", 1)


def test_an_allowance_covers_its_own_rule_alone():
    text = "# house: allow naive-time the reason is for another rule\nPRICE = 1.5\n"
    found = {finding.code for finding in check(Source("src/payme/kit/money.py", text))}
    assert found == {"float-money", "stale-allowance"}


def test_the_product_breaks_no_house_rule():
    assert [str(finding) for finding in findings([])] == []
