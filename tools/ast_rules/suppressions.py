"""The rule that whoever silences a check says why."""

import re
from collections.abc import Iterator

from tools.ast_rules.source import ALLOWANCE, Rule, Source

CODES = r"[A-Z]+[0-9]+(?:\s*,\s*[A-Z]+[0-9]+)*"
SUPPRESSIONS = (
    re.compile(rf"#\s*noqa(?P<scope>:\s*{CODES})?(?P<reason>.*)", re.IGNORECASE),
    re.compile(r"#\s*type:\s*ignore(?P<scope>\[[^\]]*\])?(?P<reason>.*)"),
    re.compile(r"#\s*nosem(?:grep)?(?P<scope>:\s*[a-z][a-z.-]*[a-z])?(?P<reason>.*)"),
    re.compile(r"#\s*pyright:\s*ignore(?P<scope>\[[^\]]*\])?(?P<reason>.*)"),
)
WORDS = re.compile(r"[A-Za-z]{2,}\W+\w*[A-Za-z]{2,}")


def _bare(source: Source) -> Iterator[tuple[int, str]]:
    for line, comment in source.comments.items():
        allowance = ALLOWANCE.search(comment)
        found = [match for pattern in SUPPRESSIONS if (match := pattern.search(comment))]
        if any(match["scope"] is None for match in found):
            yield line, "name the rule that is silenced: `# noqa: CODE reason`, `# pyright: ignore[rule] reason`"
        elif any(not WORDS.search(match["reason"]) for match in (*found, *([allowance] if allowance else []))):
            yield line, "say in a few words why the rule does not fit here, after its code"


BARE_SUPPRESSION = Rule("bare-suppression", _bare, within=("src", "simulator", "tools", "tests", "bench"))
