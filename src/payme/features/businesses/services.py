"""Use cases of businesses: open one, read and change its settings, branches and tills."""

from typing import Final
from uuid import UUID

from payme.features.audit import record
from payme.features.businesses import repository
from payme.features.businesses.errors import BranchNotFound, BusinessIdTaken, BusinessUnknown, TillNotFound
from payme.features.businesses.events import BusinessCreated
from payme.features.businesses.rules import FIRST_PREFIX, next_prefix
from payme.features.businesses.schemas import (
    Branch,
    BusinessSettings,
    ChangeBusiness,
    CreateBranch,
    CreateBusiness,
    CreateTill,
    Me,
    MyBusiness,
    Till,
)
from payme.features.identity import Role, add_member, find_roles, get_profile
from payme.kit.actor import Actor
from payme.kit.ids import new_id
from payme.runtime.database import Database, UnitOfWork

PLATFORM_BUSINESS_ID: Final = UUID("00000000-0000-7000-8000-00000000a71e")
"""The business of whoever runs the deployment; it sells tokens to the others."""
_DIRECTORY_PAGE: Final = 10_000
_LONGEST_MEMBER_NAME: Final = 80


async def create_business(uow: UnitOfWork, command: CreateBusiness, *, owner_name: str) -> BusinessSettings:
    """Open the business that the transaction is bound to, with a branch and a till; the actor becomes its owner.

    Raises: BusinessIdTaken, also for the platform's own id before the platform has taken it.
    """
    if uow.tenant == PLATFORM_BUSINESS_ID:
        raise BusinessIdTaken
    await repository.insert_business(uow, command.name)
    await _furnish(uow, command)
    await add_member(uow, uow.actor.id, display_name=owner_name[:_LONGEST_MEMBER_NAME] or "Owner", roles=[Role.OWNER])
    record(uow, "business.created", uow.tenant, name=command.name)
    uow.publish(BusinessCreated(subject_id=uow.tenant, business_name=command.name))
    return await get_business(uow)


async def ensure_platform_business(uow: UnitOfWork) -> None:
    """Open the platform's own business unless it is there; the transaction is bound to `PLATFORM_BUSINESS_ID`."""
    assert uow.tenant == PLATFORM_BUSINESS_ID, "the platform's business has a fixed id"
    command = CreateBusiness(name="PayMe")
    if not await repository.insert_business(uow, command.name, is_platform=True):
        return
    await _furnish(uow, command)
    record(uow, "business.created", uow.tenant, name=command.name)
    uow.publish(BusinessCreated(subject_id=uow.tenant, business_name=command.name, is_platform=True))


async def get_business(uow: UnitOfWork) -> BusinessSettings:
    """Return the business at hand with its settings. Raises: BusinessUnknown."""
    business = await repository.find_business(uow)
    if business is None:
        raise BusinessUnknown
    return business


async def lock_business_rev(uow: UnitOfWork) -> int:
    """Hold the business and return its revision. Raises: BusinessUnknown."""
    rev = await repository.lock_business_rev(uow)
    if rev is None:
        raise BusinessUnknown
    return rev


async def change_business(uow: UnitOfWork, command: ChangeBusiness) -> BusinessSettings:
    """Change the settings that are named."""
    changes = command.model_dump(exclude_none=True)
    await repository.update_business(uow, changes)
    record(uow, "business.changed", uow.tenant, **command.model_dump(mode="json", exclude_none=True))
    uow.touch("businesses", uow.tenant)
    return await get_business(uow)


async def list_business_ids(uow: UnitOfWork, *, after: UUID | None = None, limit: int = _DIRECTORY_PAGE) -> list[UUID]:
    """Return the ids of businesses in order, for commands and the worker; a transaction of the app's role sees none."""
    return await repository.list_business_ids(uow, after=after, limit=limit)


async def get_till(uow: UnitOfWork, till_id: UUID | None = None) -> Till:
    """Return a till of the business, the first one when none is named. Raises: TillNotFound."""
    till = await repository.find_till(uow, till_id)
    if till is None:
        raise TillNotFound
    return till


async def create_branch(uow: UnitOfWork, command: CreateBranch) -> Branch:
    """Open a branch. Raises: BranchIdTaken."""
    branch = Branch(id=command.id or new_id(), name=command.name, rev=1, created_at=uow.now)
    await repository.insert_branch(uow, branch)
    record(uow, "branch.created", branch.id, name=branch.name)
    uow.touch("branches", branch.id)
    return branch


async def list_branches(uow: UnitOfWork, *, after: UUID | None, limit: int) -> list[Branch]:
    """Return branches in the order of their ids."""
    return await repository.list_branches(uow, after=after, limit=limit)


async def create_till(uow: UnitOfWork, command: CreateTill) -> Till:
    """Set up a till, at the first branch unless one is named. Raises: BranchNotFound, TillIdTaken, ReceiptPrefixTaken."""
    branch_id = command.branch_id or await repository.find_first_branch_id(uow)
    if branch_id is None:
        raise BranchNotFound
    prefix = command.receipt_prefix or next_prefix(await repository.list_receipt_prefixes(uow))
    return await _add_till(uow, command, branch_id=branch_id, prefix=prefix)


async def list_tills(uow: UnitOfWork, *, after: UUID | None, limit: int) -> list[Till]:
    """Return tills in the order of their ids."""
    return await repository.list_tills(uow, after=after, limit=limit)


async def show_me(database: Database, actor: Actor) -> Me:
    """Return who is signed in and where they belong, asking each business in a transaction of its own."""
    user, business_ids = await database.run(lambda uow: get_profile(uow, actor.id), read_only=True)
    found = [
        await database.run(lambda uow: _find_my_part(uow, actor.id), business_id=each, actor=actor, read_only=True)
        for each in business_ids
    ]
    return Me(user=user, businesses=[each for each in found if each is not None])


async def _find_my_part(uow: UnitOfWork, user_id: UUID) -> MyBusiness | None:
    roles = await find_roles(uow, user_id)
    if roles is None:
        return None
    business = await get_business(uow)
    return MyBusiness(id=business.id, name=business.name, roles=roles)


async def _furnish(uow: UnitOfWork, command: CreateBusiness) -> None:
    branch = await create_branch(uow, CreateBranch(name=command.branch_name))
    await _add_till(uow, CreateTill(name=command.till_name), branch_id=branch.id, prefix=FIRST_PREFIX)
    uow.touch("businesses", uow.tenant)


async def _add_till(uow: UnitOfWork, command: CreateTill, *, branch_id: UUID, prefix: str) -> Till:
    till = Till(
        id=command.id or new_id(), branch_id=branch_id, name=command.name, receipt_prefix=prefix, created_at=uow.now
    )
    await repository.insert_till(uow, till)
    record(uow, "till.created", till.id, name=till.name, receipt_prefix=prefix)
    uow.touch("tills", till.id, branch_id=branch_id)
    return till
