import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

from payme.features.audit.rules import genesis, link, plain, read_head, sealed_form, written_head

BUSINESS = UUID("01900000-0000-7000-8000-000000000001")
ID, ACTOR, SUBJECT = (UUID(int=number) for number in (2, 3, 4))
NAIROBI = timezone(timedelta(hours=3))
ROW = {
    "id": ID,
    "business_id": BUSINESS,
    "actor_kind": "user",
    "actor_id": ACTOR,
    "action": "stock.adjusted",
    "subject_id": SUBJECT,
    "facts": {"quantity": "2.500"},
    "recorded_at": datetime(2026, 11, 22, 12, 0, 0, 7, tzinfo=NAIROBI),
    "transaction": 99,
}
SEALED = {
    "id": str(ID),
    "business_id": str(BUSINESS),
    "actor_kind": "user",
    "actor_id": str(ACTOR),
    "action": "stock.adjusted",
    "subject_id": str(SUBJECT),
    "facts": {"quantity": "2.500"},
    "recorded_at": "2026-11-22T09:00:00.000007+00:00",
}


def test_a_chain_begins_with_its_business():
    assert genesis(BUSINESS) == hashlib.sha256(b"payme.audit.chain.1\n" + BUSINESS.bytes).digest()


def test_a_link_covers_everything_that_happened_and_the_link_before():
    assert sealed_form(ROW) == SEALED
    canonical = json.dumps(SEALED, sort_keys=True, separators=(",", ":")).encode()
    assert link(b"before", SEALED) == hashlib.sha256(b"before" + canonical).digest()


def test_facts_are_written_as_every_language_reads_them():
    facts = {
        "id": ID,
        "cents": 2**53 - 1,
        "less": -(2**53 - 1),
        "giant": 2**53,
        "quantity": Decimal("2.500"),
        "at": datetime(2026, 11, 22, tzinfo=UTC),
        "lines": ({"n": 1}, None, True),
        7: "seven",
    }
    assert plain(facts) == {
        "id": str(ID),
        "cents": 2**53 - 1,
        "less": -(2**53 - 1),
        "giant": str(2**53),
        "quantity": "2.500",
        "at": "2026-11-22T00:00:00+00:00",
        "lines": [{"n": 1}, None, True],
        "7": "seven",
    }


def test_a_head_is_noted_in_groups_and_read_from_any_form():
    head = "0123456789abcdef" * 4
    written = written_head(head)
    assert written == ":".join(["01234567", "89abcdef"] * 4)
    assert read_head(f" {written.upper()}\n") == head
