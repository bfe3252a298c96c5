"""What the documents name exists, and what exists is named."""

import ast
import re
from pathlib import Path

import pytest

from tools.generate_docs import stale

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)(#[^)]*)?\)")
ROOMS = [
    file.parent.relative_to(ROOT / "src" / "payme")
    for file in (ROOT / "src" / "payme").rglob("__init__.py")
    if len(file.relative_to(ROOT / "src" / "payme").parts) in {2, 3}
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path):
    targets = (match.group(1) for match in LINK.finditer(page.read_text(encoding="utf-8")))
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("room", ROOMS, ids=str)
def test_every_room_is_on_the_map(room: Path):
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert re.search(rf"\b{room.name}\b", text)


def test_every_module_says_what_it_holds():
    files = [*(ROOT / "src").rglob("*.py"), *(ROOT / "simulator").rglob("*.py"), *(ROOT / "tools").rglob("*.py")]
    silent = [file for file in files if not ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))]
    assert [file.relative_to(ROOT).as_posix() for file in silent] == []


def test_decisions_have_a_number_each_and_say_what_keeps_them():
    pages = sorted(page for page in (ROOT / "docs" / "decisions").glob("*.md") if page.name[0].isdigit())
    assert len({page.name[:4] for page in pages}) == len(pages)
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert text.startswith(f"# {page.name[:4]}: "), page.name
        assert {"## Decision", "## What follows"} <= set(text.splitlines()), page.name


def test_generated_documents_are_current():
    assert stale(write=False) == []
