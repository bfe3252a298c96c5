"""What became of each receipt in a shop's own tables: how much of it is applied, unclaimed or returned, followed through the tray.

Does not live here: what the simulator says. Invariant: no cent of a receipt is counted in two places.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import UUID

from payme.runtime.database import Database

_PAYMENTS = """select p.id, p.method, p.status, p.amount_cents, p.paid_cents, p.confirmed_cents, p.excess_cents, p.settlement,
    p.mpesa_receipt_number as receipt, p.verdict, p.late, coalesce(m.amount, 0) as missing_cents
  from payments p left join postings m on m.business_id = p.business_id and m.cause = p.id and m.kind = 'payment.missing'
  where p.business_id = $1 and p.method in ('mpesa_stk', 'mpesa_c2b', 'mpesa_claim')"""
_TRAY = """select id, state, reason, amount_cents, mpesa_receipt_number as receipt, payment_id, claimed_as
  from unclaimed_money where business_id = $1"""
_RECEIPTS = "select mpesa_receipt_number as receipt, shortcode, applied_id from mpesa_receipts where business_id = $1"
_EVIDENCE = """select mpesa_receipt_number as receipt, min(amount_cents) as least, max(amount_cents) as most
  from payment_evidence where business_id = $1 and outcome = 'paid' and source <> 'person' and amount_cents is not null
    and mpesa_receipt_number is not null and effect not in ('receipt_taken', 'wrong_shortcode') group by 1"""
_PAYOUTS = """select id, kind, state, amount_cents, mpesa_receipt_number as receipt, original_receipt, purpose
  from payouts where business_id = $1"""
_BALANCE = """select coalesce(sum(b.balance), 0)::bigint from accounts a
  join ledger_balances b on b.business_id = a.business_id and b.account_id = a.id where a.business_id = $1 and a.code = 'mpesa'"""


@dataclass(frozen=True)
class Fate:
    """Where an amount is, in cents."""

    applied: int = 0
    unclaimed: int = 0
    returned: int = 0

    def __add__(self, other: "Fate") -> "Fate":
        return Fate(self.applied + other.applied, self.unclaimed + other.unclaimed, self.returned + other.returned)

    @property
    def total(self) -> int:
        return self.applied + self.unclaimed + self.returned


@dataclass
class ShopMoney:
    """A shop's own word about its money by M-Pesa."""

    payments: Mapping[UUID, Any]
    tray: Mapping[UUID, Any]
    holders: Mapping[str, Any]
    evidence: Mapping[str, Any]
    payouts: Sequence[Any]
    balance_cents: int
    _left_of: dict[UUID, list[Any]] = field(init=False)
    _by_receipt: dict[str, list[Any]] = field(init=False)

    def __post_init__(self) -> None:
        self._left_of = _grouped(self.tray.values(), "payment_id")
        self._by_receipt = _grouped(self.payments.values(), "receipt")

    @classmethod
    async def read(cls, database: Database, business_id: UUID) -> Self:
        """Read it all in one transaction."""

        async def work(uow: Any) -> Self:
            async def rows(sql: str) -> list[Any]:
                return await uow.fetch(sql, business_id)

            return cls(
                {row["id"]: row for row in await rows(_PAYMENTS)}, {row["id"]: row for row in await rows(_TRAY)},
                {row["receipt"]: row for row in await rows(_RECEIPTS)}, {row["receipt"]: row for row in await rows(_EVIDENCE)},
                await rows(_PAYOUTS), await uow.fetchval(_BALANCE, business_id),
            )  # fmt: skip

        return await database.run(work, business_id=business_id, read_only=True)

    def fate_of(self, receipt: str) -> Fate:
        """Return where the money of a registered receipt is."""
        holder = self.holders[receipt]["applied_id"]
        if holder in self.tray:
            return self._of_row(self.tray[holder])
        payment = self.payments[holder]
        if payment["receipt"] == receipt:
            return self._of_payment(payment)
        return self._sum(row for row in self._left_of[holder] if row["receipt"] == receipt)

    def all_of_it(self) -> Fate:
        """Return where everything is, added up without following any receipt."""
        fate = Fate(applied=sum(map(_applied, self.payments.values())))
        return fate + self._sum(row for row in self.tray.values() if row["state"] not in {"claimed", "matched"})

    def _of_payment(self, payment: Any) -> Fate:
        own = {None, payment["receipt"]}
        rest = (row for row in self._left_of[payment["id"]] if row["receipt"] in own or payment["receipt"] is None)
        return Fate(applied=_applied(payment)) + self._sum(rest)

    def _of_row(self, row: Any) -> Fate:
        if row["state"] == "claimed":
            return self._of_payment(self.payments[row["claimed_as"]]) if row["claimed_as"] else Fate()
        if row["state"] == "matched":
            return sum((self._of_payment(each) for each in self._by_receipt[row["receipt"]]), Fate())
        kind = "returned" if row["state"] == "returned" else "unclaimed"
        return Fate(**{kind: row["amount_cents"]})

    def _sum(self, rows: Iterable[Any]) -> Fate:
        return sum((self._of_row(row) for row in rows), Fate())


def _applied(payment: Any) -> int:
    """Return what of a payment its purpose has got and M-Pesa has confirmed."""
    if payment["status"] != "succeeded" or payment["settlement"] != "applied":
        return 0
    if payment["method"] == "mpesa_claim":
        return (payment["confirmed_cents"] or 0) - payment["excess_cents"]
    came = min(payment["amount_cents"], payment["paid_cents"] or payment["amount_cents"])
    return came - payment["excess_cents"] - payment["missing_cents"]


def _grouped(rows: Iterable[Any], name: str) -> dict[Any, list[Any]]:
    found: defaultdict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        found[row[name]].append(row)
    return found
