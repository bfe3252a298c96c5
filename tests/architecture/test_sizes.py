"""Sizes stay within their limits, and the ratchet turns one way."""

import pytest

from tools import size_ratchet
from tools.size_ratchet import Exceeding, Size, complaints, measure

TOLERATED = 0  # entries in tools/size_ratchet.toml; this number only goes down

CODE = '''
class Till:
    def open(self, a, b, *, c, d):
        """Two lines of words
        count for nothing."""
        first = a
        return first

@router.post("/sales", status_code=201)
async def record(uow, command):
    return await complete(uow, command)
'''


def test_the_product_keeps_its_sizes(capsys: pytest.CaptureFixture[str]):
    code = size_ratchet.main()
    assert (capsys.readouterr().out, code) == ("", 0)


def test_exceptions_have_reasons_and_become_fewer():
    allowed = size_ratchet.exceptions(size_ratchet.RATCHET.read_text(encoding="utf-8"))
    assert all(len(each.reason.split()) >= 3 for each in allowed.values())
    assert len(allowed) <= TOLERATED


def test_a_body_is_measured_without_signature_and_docstring():
    path = "src/payme/features/sales/endpoints.py"
    assert set(measure(path, CODE)) == {
        Size("file", path, 11),
        Size("function", f"{path}:Till.open", 2),
        Size("parameters", f"{path}:Till.open", 4),
        Size("endpoint", f"{path}:record", 1),
        Size("parameters", f"{path}:record", 2),
    }


@pytest.mark.parametrize(
    ("size", "tolerated", "complaint"),
    [
        (400, None, None),
        (401, None, "limit 400"),
        (450, 450, None),
        (451, 450, "grew from 450 to 451"),
        (440, 450, "shrank to 440"),
        (400, 450, "remove its entry"),
    ],
)
def test_the_ratchet_turns_one_way(size: int, tolerated: int | None, complaint: str | None):
    allowed = {("file", "a.py"): Exceeding(tolerated, "because")} if tolerated else {}
    found = list(complaints([Size("file", "a.py", size)], allowed))
    assert len(found) == (complaint is not None)
    assert complaint is None or complaint in found[0]


def test_an_entry_for_what_is_gone_is_out_of_date():
    assert list(complaints([], {("file", "gone.py"): Exceeding(500, "because")}))
