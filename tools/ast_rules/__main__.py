"""`python -m tools.ast_rules [path …]`: print every breach of a house rule, and fail when there is one."""

import sys
from collections.abc import Iterator
from pathlib import Path

from tools.ast_rules import check
from tools.ast_rules.source import Finding, Source

ROOT = Path(__file__).resolve().parents[2]
PLACES = ("src", "simulator", "tools", "tests", "bench")
FIXTURES = ROOT / "tests" / "architecture" / "fixtures"  # these break the rules on purpose


def sources(paths: list[str]) -> Iterator[Source]:
    """Yield the Python files under the given paths, or under all places where the rules hold."""
    roots = [Path(path).resolve() for path in paths] or [ROOT / place for place in PLACES]
    for root in roots:
        for file in sorted(root.rglob("*.py")) if root.is_dir() else [root]:
            if not file.is_relative_to(FIXTURES) and file.exists():
                yield Source(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8"))


def findings(paths: list[str]) -> Iterator[Finding]:
    """Yield every breach in these files."""
    for source in sources(paths):
        yield from check(source)


def main(paths: list[str]) -> int:
    """Print every breach; return 1 when there is one."""
    found = list(findings(paths))
    for finding in found:
        print(finding)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
