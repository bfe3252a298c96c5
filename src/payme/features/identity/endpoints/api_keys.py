"""API keys over HTTP."""

from typing import Any
from uuid import UUID

from payme.features.identity.errors import ApiKeyNotFound, BeyondYourPower, ScopeUnknown
from payme.features.identity.schemas import ApiKeyMade, ApiKeyView, CreateApiKey
from payme.features.identity.services import api_keys
from payme.kit.pagination import Page
from payme.runtime.database import UnitOfWork
from payme.runtime.http import Call, Paging, Response, Router

router = Router(prefix="/v1/businesses/{business_id}/api-keys", tag="identity")


@router.post(
    operation="api_keys_create",
    may="api_keys.manage",
    status=201,
    response=ApiKeyMade,
    errors=(ScopeUnknown, BeyondYourPower),
)
async def create_api_key(call: Call, command: CreateApiKey) -> Response:
    """Make a key; the answer holds it, and nothing else ever will."""
    return await call.write(lambda uow: api_keys.create_api_key(uow, command), status=201)


@router.get(operation="api_keys_list", may="api_keys.manage", response=Page[ApiKeyView])
async def list_api_keys(call: Call, query: Paging) -> Response:
    """List keys, the newest first, without the keys themselves."""

    async def work(uow: UnitOfWork, after: list[Any] | None, limit: int) -> list[ApiKeyView]:
        return await api_keys.list_api_keys(uow, before=UUID(after[0]) if after else None, limit=limit)

    return await call.read_page(query, work, key=lambda key: [key.id])


@router.delete("/{key_id}", operation="api_keys_revoke", may="api_keys.manage", status=204, errors=(ApiKeyNotFound,))
async def revoke_api_key(call: Call, key_id: UUID) -> Response:
    """End a key; it opens nothing within a second."""
    return await call.write(lambda uow: api_keys.revoke_api_key(uow, key_id))
