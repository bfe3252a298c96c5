"""Know a credit account by the code that customers type, and which debts money in the tray may be for."""

import re
from typing import Final
from uuid import UUID

from payme.features import customers
from payme.features.credit import repository
from payme.features.credit.enums import AccountState
from payme.features.credit.services.repay_by_mpesa import PURPOSE
from payme.features.payments import Expected
from payme.kit.values import value
from payme.runtime.database import UnitOfWork

_CODE: Final = re.compile(r"[1-9][0-9]{6}")
_BETWEEN: Final = re.compile(r"[\s./-]+")


@value
class LikelyDebt:
    """A debt that money may be for: whose, how much, and whether the money names it."""

    account_id: UUID
    label: str
    due_cents: int
    is_named: bool


class CreditDesk:
    """Answers payments which credit account a reference names: its code, as people type one."""

    async def find_expected(self, uow: UnitOfWork, reference: str) -> Expected | None:
        """Return the account of a code; it takes any amount unless it is closed."""
        code = _as_code(reference)
        account = await repository.find_account_by_code(uow, code) if code else None
        if account is None or account.state == AccountState.CLOSED:
            return None
        return Expected(PURPOSE, account.id, None)


async def list_likely_debts(uow: UnitOfWork, *, reference: str, amount_cents: int, limit: int) -> list[LikelyDebt]:
    """Return the debts that money may be for: the one that it names, then those of exactly its amount."""
    code = _as_code(reference)
    found = await repository.list_likely(uow, code=code, amount_cents=amount_cents, limit=limit)
    known = {
        each.id: each.name for each in await customers.list_customers_of(uow, [each.customer_id for each in found])
    }
    return [
        LikelyDebt(each.id, known.get(each.customer_id, each.code), each.balance_cents, each.code == code)
        for each in found
    ]


def _as_code(reference: str) -> str | None:
    """Return what people type, such as `471 83 50`, as a code; None where it is none."""
    typed = _BETWEEN.sub("", reference)
    return typed if _CODE.fullmatch(typed) else None
