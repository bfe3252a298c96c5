"""All SQL of businesses, branches and tills."""

from typing import Any, Final
from uuid import UUID

from payme.features.businesses.schemas import Branch, BusinessSettings, Till
from payme.runtime.database import UnitOfWork

_LOWEST_ID: Final = UUID(int=0)


async def insert_business(uow: UnitOfWork, name: str, *, is_platform: bool = False) -> bool:
    """Add the business that the transaction is bound to, with its sync counter; False for the platform's that is there.

    Raises: BusinessIdTaken.
    """
    if is_platform and await find_business(uow) is not None:
        return False
    await uow.execute(
        """-- businesses.insert_business
        insert into businesses (business_id, name, is_platform, created_at) values ($1, $2, $3, $4)
        """,
        uow.tenant,
        name,
        is_platform,
        uow.now,
    )
    await uow.execute(
        """-- businesses.insert_sync_counter
        insert into sync_counters (business_id) values ($1)
        """,
        uow.tenant,
    )
    return True


async def find_business(uow: UnitOfWork) -> BusinessSettings | None:
    """Return the business that the transaction is bound to."""
    row = await uow.fetchrow(
        """-- businesses.find_business
        select business_id as id, name, currency, status, is_platform, cash_rounding_cents, day_starts_at,
          discount_limit_basis_points, refund_limit_cents, write_off_limit_cents, payout_limit_cents, payout_day_limit_cents,
          verify_above_cents, claim_limit_cents, cash_variance_basis_points, mpesa_variance_basis_points, rev, created_at
        from businesses where business_id = $1
        """,
        uow.tenant,
    )
    return BusinessSettings.model_validate(dict(row)) if row else None


async def lock_business_rev(uow: UnitOfWork) -> int | None:
    """Hold the business's row and return its revision."""
    return await uow.fetchval(
        """-- businesses.lock_business_rev
        select rev from businesses where business_id = $1 for update
        """,
        uow.tenant,
    )


async def update_business(uow: UnitOfWork, changes: dict[str, Any]) -> None:
    """Store the settings that are named; the others stay as they are."""
    await uow.execute(
        """-- businesses.update_business
        update businesses set
          name = coalesce($2, name),
          cash_rounding_cents = coalesce($3, cash_rounding_cents),
          day_starts_at = coalesce($4, day_starts_at),
          discount_limit_basis_points = coalesce($5, discount_limit_basis_points),
          refund_limit_cents = coalesce($6, refund_limit_cents),
          write_off_limit_cents = coalesce($7, write_off_limit_cents),
          payout_limit_cents = coalesce($8, payout_limit_cents),
          payout_day_limit_cents = coalesce($9, payout_day_limit_cents),
          verify_above_cents = coalesce($10, verify_above_cents),
          claim_limit_cents = coalesce($11, claim_limit_cents),
          cash_variance_basis_points = coalesce($12, cash_variance_basis_points),
          mpesa_variance_basis_points = coalesce($13, mpesa_variance_basis_points),
          rev = rev + 1
        where business_id = $1
        """,
        uow.tenant,
        changes.get("name"),
        changes.get("cash_rounding_cents"),
        changes.get("day_starts_at"),
        changes.get("discount_limit_basis_points"),
        changes.get("refund_limit_cents"),
        changes.get("write_off_limit_cents"),
        changes.get("payout_limit_cents"),
        changes.get("payout_day_limit_cents"),
        changes.get("verify_above_cents"),
        changes.get("claim_limit_cents"),
        changes.get("cash_variance_basis_points"),
        changes.get("mpesa_variance_basis_points"),
    )


async def list_business_ids(uow: UnitOfWork, *, after: UUID | None, limit: int) -> list[UUID]:
    """Return ids of businesses in order, the platform's own included. The app's role sees none."""
    await uow.execute(
        """-- businesses.open_directory
        set local payme.directory = 'on'
        """
    )
    rows = await uow.fetch(
        """-- businesses.list_business_ids
        select business_id from businesses where business_id > $1 order by business_id limit $2
        """,
        after or _LOWEST_ID,
        limit,
    )
    return [row["business_id"] for row in rows]


async def insert_branch(uow: UnitOfWork, branch: Branch) -> None:
    """Add a branch. Raises: BranchIdTaken."""
    await uow.execute(
        """-- businesses.insert_branch
        insert into branches (business_id, id, name, created_at) values ($1, $2, $3, $4)
        """,
        uow.tenant,
        branch.id,
        branch.name,
        branch.created_at,
    )


async def list_branches(uow: UnitOfWork, *, after: UUID | None, limit: int) -> list[Branch]:
    """Return branches in the order of their ids."""
    rows = await uow.fetch(
        """-- businesses.list_branches
        select id, name, rev, created_at from branches where business_id = $1 and id > $2 order by id limit $3
        """,
        uow.tenant,
        after or _LOWEST_ID,
        limit,
    )
    return [Branch.model_validate(dict(row)) for row in rows]


async def find_first_branch_id(uow: UnitOfWork) -> UUID | None:
    """Return the oldest branch."""
    return await uow.fetchval(
        """-- businesses.find_first_branch_id
        select id from branches where business_id = $1 order by created_at, id limit 1
        """,
        uow.tenant,
    )


async def insert_till(uow: UnitOfWork, till: Till) -> None:
    """Add a till with its receipt counter. Raises: BranchNotFound, TillIdTaken, ReceiptPrefixTaken."""
    await uow.execute(
        """-- businesses.insert_till
        insert into tills (business_id, id, branch_id, name, receipt_prefix, created_at) values ($1, $2, $3, $4, $5, $6)
        """,
        uow.tenant,
        till.id,
        till.branch_id,
        till.name,
        till.receipt_prefix,
        till.created_at,
    )
    await uow.execute(
        """-- businesses.insert_till_counter
        insert into till_counters (business_id, till_id) values ($1, $2)
        """,
        uow.tenant,
        till.id,
    )


async def find_till(uow: UnitOfWork, till_id: UUID | None) -> Till | None:
    """Return a till, or the oldest one when none is named."""
    row = await uow.fetchrow(
        """-- businesses.find_till
        select id, branch_id, name, receipt_prefix, created_at from tills
        where business_id = $1 and ($2::uuid is null or id = $2)
        order by created_at, id
        limit 1
        """,
        uow.tenant,
        till_id,
    )
    return Till.model_validate(dict(row)) if row else None


async def find_till_by_prefix(uow: UnitOfWork, receipt_prefix: str) -> UUID | None:
    """Return the till whose receipt numbers begin so."""
    return await uow.fetchval(
        """-- businesses.find_till_by_prefix
        select id from tills where business_id = $1 and receipt_prefix = $2
        """,
        uow.tenant,
        receipt_prefix,
    )


async def find_branch_prefix(uow: UnitOfWork, branch_id: UUID) -> str | None:
    """Return the receipt prefix of the oldest till of a branch; no other branch has it."""
    return await uow.fetchval(
        """-- businesses.find_branch_prefix
        select receipt_prefix from tills where business_id = $1 and branch_id = $2 order by created_at, id limit 1
        """,
        uow.tenant,
        branch_id,
    )


async def list_tills(uow: UnitOfWork, *, after: UUID | None, limit: int) -> list[Till]:
    """Return tills in the order of their ids."""
    rows = await uow.fetch(
        """-- businesses.list_tills
        select id, branch_id, name, receipt_prefix, created_at from tills
        where business_id = $1 and id > $2
        order by id
        limit $3
        """,
        uow.tenant,
        after or _LOWEST_ID,
        limit,
    )
    return [Till.model_validate(dict(row)) for row in rows]


async def list_receipt_prefixes(uow: UnitOfWork) -> list[str]:
    """Return every prefix in use, holding the business so that two new tills do not choose the same."""
    await lock_business_rev(uow)
    rows = await uow.fetch(
        """-- businesses.list_receipt_prefixes
        select receipt_prefix from tills where business_id = $1
        """,
        uow.tenant,
    )
    return [row["receipt_prefix"] for row in rows]
