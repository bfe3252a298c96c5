"""Each rule of tools/semgrep has examples that it must find and must not find; `make security` shows that it does."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
RULES = sorted((ROOT / "tools" / "semgrep").glob("*.yaml"))
EXAMPLES = Path(__file__).parent / "fixtures" / "semgrep"


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_every_rule_has_examples_of_both_kinds(path: Path):
    rules = {rule["id"] for rule in yaml.safe_load(path.read_text(encoding="utf-8"))["rules"]}
    marked = re.findall(
        r"# (ruleid|ok): ([a-z-]+)$", (EXAMPLES / f"{path.stem}.py").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert {rule for kind, rule in marked if kind == "ruleid"} == rules
    assert {rule for kind, rule in marked if kind == "ok"} == rules


def test_every_file_of_examples_belongs_to_rules():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {path.stem for path in RULES}
