"""Writes the parts of the documentation that are generated from the code, and says whether they are current.

Each generated file names a function that returns its whole text. Invariant: what a reader finds under these
paths is what the code says today; `make check` compares, `make docs` writes.
"""

import argparse
import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# path of the generated file: module and function that returns its whole text
GENERATED = {
    ".env.example": "tools.generate_env_example:render",
    "deploy/env/development.env": "tools.generate_env_templates:development",
    "deploy/env/staging.env": "tools.generate_env_templates:staging",
    "deploy/env/production.env": "tools.generate_env_templates:production",
    "deploy/helm/payme/values.schema.json": "tools.chart_schema:render",
    "docs/reference/settings.md": "tools.generate_settings_reference:render",
    "docs/reference/errors.md": "tools.reference_pages:errors",
    "docs/reference/events.md": "tools.reference_pages:events",
    "web/src/api/schema.d.ts": "tools.web_client:render",
    "web/vectors/money.json": "tools.money_vectors:render",
}


def stale(*, write: bool) -> list[str]:
    """Return the paths whose text differs from what the code says, after writing them when asked to."""
    different: list[str] = []
    for path, function in GENERATED.items():
        module, _, name = function.partition(":")
        text: str = getattr(importlib.import_module(module), name)()
        target = ROOT / path
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            different.append(path)
            if write:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text, encoding="utf-8")
    return different


def main() -> int:
    """Write what is stale, or with `--check` only name it and fail."""
    parser = argparse.ArgumentParser(description="Generate the generated parts of the documentation.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when something is stale")
    check: bool = parser.parse_args().check
    different = stale(write=not check)
    for path in different:
        print(f"{path}: {'differs from the code; run `make docs`' if check else 'written'}")
    return 1 if check and different else 0


if __name__ == "__main__":
    sys.exit(main())
