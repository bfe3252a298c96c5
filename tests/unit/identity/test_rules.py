from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payme.features.identity.enums import Role
from payme.features.identity.rules import PERMISSIONS, Refresh, permissions_of, reaches, worth_of_refresh
from payme.features.identity.services.secrets import business_of, new_business_secret
from payme.kit.ids import new_id

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
GRACE = timedelta(seconds=10)
CHANGES = {permission for permission in PERMISSIONS if not permission.split(".")[1].startswith("read")}


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        ("owner", PERMISSIONS, set()),
        (
            "manager",
            PERMISSIONS
            - {"members.manage", "payments.configure", "api_keys.manage", "reconciliation.run", "expenses.approve_any"},
            {"members.manage", "payments.configure", "api_keys.manage", "reconciliation.run", "expenses.approve_any"},
        ),
        (
            "cashier",
            {"sales.create", "sales.read", "sales.cancel", "catalog.read", "payments.check", "events.read"},
            {"sales.read_cost", "stock.receive", "ledger.read", "audit.read", "members.read", "tokens.buy"},
        ),
        (
            "accountant",
            {"ledger.read", "sales.read_cost", "stock.read", "reconciliation.run"},
            (CHANGES - {"reconciliation.run"}) | {"audit.read"},
        ),
        ("auditor", {"ledger.read", "sales.read_cost", "audit.read", "reconciliation.read"}, CHANGES),
        ("somebody", set(), PERMISSIONS),
    ],
)
def test_what_each_role_may_do(role: str, may: set[str], may_not: set[str]):
    held = permissions_of([role])
    assert may <= held
    assert not held & may_not
    assert held <= PERMISSIONS


def test_roles_add_up():
    assert permissions_of(["cashier", "auditor"]) == permissions_of(["cashier"]) | permissions_of(["auditor"])
    assert permissions_of([]) == frozenset()


@given(st.sets(st.sampled_from(list(Role))), st.sets(st.sampled_from(list(Role))))
def test_nobody_reaches_beyond_what_they_hold(own: set[Role], other: set[Role]):
    held = permissions_of(own)
    assert reaches(held, other) == (permissions_of(other) <= held)
    assert reaches(held, own)


@pytest.mark.parametrize(
    ("presented", "generation", "age", "is_open", "worth"),
    [
        (3, 3, 0, True, Refresh.ROTATE),
        (3, 3, 600_000, True, Refresh.ROTATE),
        (2, 3, 10, True, Refresh.REPEAT),
        (2, 3, 11, True, Refresh.REUSED),
        (1, 3, 0, True, Refresh.REUSED),
        (0, 3, 0, True, Refresh.REUSED),
        (4, 3, 0, True, Refresh.REUSED),
        (3, 3, 0, False, Refresh.ENDED),
        (1, 3, 0, False, Refresh.ENDED),
    ],
)
def test_what_a_refresh_token_is_worth(presented: int, generation: int, age: int, is_open: bool, worth: Refresh):
    found = worth_of_refresh(
        presented=presented,
        generation=generation,
        refreshed_at=NOW - timedelta(seconds=age),
        now=NOW,
        grace=GRACE,
        is_open=is_open,
    )
    assert found is worth


def test_a_secret_names_its_business_and_nothing_else_passes_for_one():
    business_id = new_id()
    secret = new_business_secret("pk_test_", business_id)
    assert business_of(secret, "pk_test_", "pk_live_") == business_id
    assert secret != new_business_secret("pk_test_", business_id)
    for wrong in ("", "pk_test_", secret[:-1], secret + "a", secret.replace("pk_test_", "inv_"), "pk_test_" + "1" * 58):
        assert business_of(wrong, "pk_test_", "pk_live_") is None


@given(st.text(max_size=80))
def test_any_text_is_read_without_an_error(text: str):
    assert business_of("inv_" + text, "inv_") is None or isinstance(business_of("inv_" + text, "inv_"), UUID)
