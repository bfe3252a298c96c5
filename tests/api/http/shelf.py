"""A feature as small as can be, on real tables: branches of a business. The edge's own tests call it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, Field

from payme.kit.actor import Actor
from payme.kit.errors import PaymentRequired, ProviderUnavailable, Refused, Unauthenticated
from payme.kit.events import Event
from payme.kit.ids import new_id
from payme.kit.pagination import Page
from payme.runtime.database import DatabaseBusy, UnitOfWork
from payme.runtime.http import Call, Credentials, Feature, Paging, Principal, Response, Router, public, signed_in

ALL = frozenset({"shelf.read", "shelf.write", "events.read"})


class ShelfFull(Refused):
    """There is no room for another."""

    code = "shelf.full"


class ShelfLocked(PaymentRequired):
    """Pay for a key first."""

    code = "shelf.locked"


class BranchAdded(Event):
    name: ClassVar[str] = "branch.added"
    label: str


class AddBranch(BaseModel):
    id: UUID | None = None
    name: str = Field(min_length=1, max_length=80)
    room_for: int = Field(default=1000, ge=0)


class BranchView(BaseModel):
    id: UUID
    name: str
    rev: int


async def add_branch(uow: UnitOfWork, command: AddBranch) -> BranchView:
    count = await uow.fetchval("select count(*) from branches where business_id = $1", uow.tenant)
    if count >= command.room_for:
        raise ShelfFull(room_for=command.room_for)
    branch_id = command.id or new_id()
    await uow.execute(
        "insert into branches (business_id, id, name, created_at) values ($1, $2, $3, $4)",
        uow.tenant,
        branch_id,
        command.name,
        uow.now,
    )
    uow.publish(BranchAdded(subject_id=branch_id, label=command.name))
    return BranchView(id=branch_id, name=command.name, rev=1)


async def get_branch(uow: UnitOfWork, branch_id: UUID) -> BranchView:
    row = await uow.fetchrow(
        "select id, name, rev from branches where business_id = $1 and id = $2", uow.tenant, branch_id
    )
    assert row is not None
    return BranchView(**row)


async def lock_rev(uow: UnitOfWork, branch_id: UUID) -> int | None:
    return await uow.fetchval(
        "select rev from branches where business_id = $1 and id = $2 for update", uow.tenant, branch_id
    )


async def rename(uow: UnitOfWork, branch_id: UUID, *, name: str) -> BranchView:
    await uow.execute(
        "insert into branches (business_id, id, name, created_at) values ($1, $2, $3, $4)"
        " on conflict (business_id, id) do update set name = excluded.name, rev = branches.rev + 1",
        uow.tenant,
        branch_id,
        name,
        uow.now,
    )
    return await get_branch(uow, branch_id)


async def list_branches(uow: UnitOfWork, after: list[str] | None, limit: int) -> list[BranchView]:
    rows = await uow.fetch(
        "select id, name, rev from branches where business_id = $1 and ($2::uuid is null or id > $2) order by id limit $3",
        uow.tenant,
        UUID(after[0]) if after else None,
        limit,
    )
    return [BranchView(**row) for row in rows]


router = Router(prefix="/v1/businesses/{business_id}/shelf", tag="shelf")
loose = Router(tag="shelf")
release = asyncio.Event()


@router.post(operation="shelf_add", status=201, response=BranchView, may="shelf.write", errors=(ShelfFull,))
async def add(call: Call, command: AddBranch) -> Response:
    """Add a branch."""
    return await call.idempotent(command, lambda uow: add_branch(uow, command))


@router.get(operation="shelf_list", response=Page[BranchView], may="shelf.read")
async def list_all(call: Call, query: Paging) -> Response:
    """List branches."""
    return await call.read_page(query, list_branches, key=lambda row: [row.id])


@router.get("/counted", operation="shelf_counted", response=Page[BranchView], may="shelf.read")
async def list_counted(call: Call, query: Paging) -> Response:
    """List branches, with a version that is cheap to ask for."""

    async def version(uow: UnitOfWork) -> int:
        return await uow.fetchval("select count(*) from branches where business_id = $1", uow.tenant)

    return await call.read_page(query, list_branches, key=lambda row: [row.id], version=version)


@router.get("/{branch_id}", operation="shelf_get", response=BranchView, may="shelf.read")
async def get(call: Call, branch_id: UUID) -> Response:
    """Get a branch."""
    return await call.read(lambda uow: get_branch(uow, branch_id))


@router.patch("/{branch_id}", operation="shelf_rename", response=BranchView, may="shelf.write")
async def patch(call: Call, branch_id: UUID, command: AddBranch) -> Response:
    """Rename a branch."""
    return await call.update(
        lambda uow: rename(uow, branch_id, name=command.name), rev=lambda uow: lock_rev(uow, branch_id)
    )


@router.put("/{branch_id}", operation="shelf_put", response=BranchView, may="shelf.write")
async def put(call: Call, branch_id: UUID, command: AddBranch) -> Response:
    """Put a branch there."""
    return await call.update(
        lambda uow: rename(uow, branch_id, name=command.name), rev=lambda uow: lock_rev(uow, branch_id)
    )


@router.post("/slow", operation="shelf_slow", status=201, response=BranchView, may="shelf.write")
async def slow(call: Call, command: AddBranch) -> Response:
    """Add a branch once somebody lets it go on."""

    async def work(uow: UnitOfWork) -> BranchView:
        await release.wait()
        return await add_branch(uow, command)

    return await call.idempotent(command, work)


@router.post("/busy", operation="shelf_busy", status=201, response=BranchView, may="shelf.write")
async def busy(call: Call, command: AddBranch) -> Response:
    """Never get the rows."""

    async def work(uow: UnitOfWork) -> BranchView:
        raise DatabaseBusy("LockNotAvailableError")

    return await call.idempotent(command, work)


@router.post("/upload", operation="shelf_upload", status=204, may="shelf.write", consumes="text/csv")
async def upload(call: Call) -> Response:
    """Take a file."""
    await call.read_body()
    return call.answer(None)


@loose.get("/v1/open", operation="open_door", access=public)
async def open_door(call: Call) -> Response:
    """Let anybody in."""
    return call.answer({"address": call.client_address})


@loose.get("/v1/me", operation="who_am_i", access=signed_in)
async def who_am_i(call: Call) -> Response:
    """Say who calls."""
    return call.answer({"id": str(call.signed_in_as.id)})


@loose.post("/d/{token}/stk", operation="callback", access=public, budget="callbacks", consumes="application/json")
async def callback(call: Call, token: str) -> Response:
    """Take a callback."""
    await call.read_body()
    return call.answer({"ResultCode": 0, "token": token})


@loose.get("/v1/broken/{how}", operation="broken", access=public)
async def broken(call: Call, how: str) -> Response:
    """Fail."""
    raise {
        "locked": ShelfLocked(),
        "provider": ProviderUnavailable("0712345678 did not answer", provider="daraja"),
        "busy": DatabaseBusy("x"),
        "bug": RuntimeError("secret 0712345678"),
    }[how]


FEATURE = Feature("shelf", "Branches on a shelf.", (router, loose))


@dataclass
class Doorman:
    """Knows tokens by heart."""

    principals: dict[str, Principal] = field(default_factory=dict)
    parts: dict[tuple[UUID, UUID], frozenset[str]] = field(default_factory=dict)
    broken: bool = False

    def register(self, token: str, business_id: UUID, permissions: frozenset[str] = ALL) -> Principal:
        principal = Principal(kind="user", id=new_id(), family=f"family-{token}", session=f"session-{token}")
        self.principals[token] = principal
        self.parts[principal.id, business_id] = permissions
        return principal

    async def authenticate(self, credentials: Credentials, *, before_look_up: object) -> Principal:
        if self.broken:
            raise RuntimeError("the authenticator is down")
        principal = self.principals.get(credentials.token)
        if principal is None:
            raise Unauthenticated
        return principal

    async def actor_in(self, principal: Principal, business_id: UUID) -> Actor | None:
        held = self.parts.get((principal.id, business_id))
        return None if held is None else replace(principal.as_actor(), permissions=held)


class Stamps:
    """CSRF tokens that are the session's name with a stamp."""

    def matches(self, session: str, token: str) -> bool:
        return token == f"{session}.stamped"


__all__ = ["ALL", "FEATURE", "BranchAdded", "Doorman", "Stamps", "release"]
