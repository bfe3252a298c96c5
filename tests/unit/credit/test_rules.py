"""What a repayment settles: the oldest purchase first, and goods that came back their own."""

from datetime import date
from uuid import UUID, uuid4

from payme.features.credit.enums import EntryKind
from payme.features.credit.rules import Entry, open_charges

FIRST, SECOND = uuid4(), uuid4()
SOON, LATER = date(2026, 12, 1), date(2026, 12, 9)


def bought(sale: UUID, cents: int, due: date = SOON) -> Entry:
    return Entry(EntryKind.CHARGE, cents, sale, due)


def paid(cents: int) -> Entry:
    return Entry(EntryKind.REPAYMENT, -cents, None, None)


def back(sale: UUID, cents: int, kind: EntryKind = EntryKind.REFUND) -> Entry:
    return Entry(kind, -cents, sale, None)


def left(*entries: Entry) -> list[tuple[UUID, int]]:
    return [(each.sale_id, each.left_cents) for each in open_charges(entries)]


def test_the_oldest_purchase_is_settled_first():
    buys = (bought(FIRST, 100), bought(SECOND, 50, LATER))
    assert left(*buys) == [(FIRST, 100), (SECOND, 50)]
    assert left(*buys, paid(30)) == [(FIRST, 70), (SECOND, 50)]
    assert left(*buys, paid(30), paid(80)) == [(SECOND, 40)]
    assert left(*buys, paid(150)) == left(*buys, paid(500)) == left(paid(5)) == []
    assert [(each.amount_cents, each.due_on) for each in open_charges([*buys, paid(100)])] == [(50, LATER)]


def test_what_was_paid_ahead_settles_what_comes():
    assert left(paid(120), bought(FIRST, 100), bought(SECOND, 50)) == [(SECOND, 30)]


def test_goods_that_came_back_lower_their_own_purchase():
    buys = (bought(FIRST, 100), bought(SECOND, 50))
    assert left(*buys, back(SECOND, 20)) == [(FIRST, 100), (SECOND, 30)]
    assert left(*buys, back(SECOND, 50, EntryKind.RETURNED), paid(10)) == [(FIRST, 90)]
    assert left(*buys, paid(100), back(FIRST, 100)) == []
