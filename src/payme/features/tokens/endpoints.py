"""HTTP of the wallet."""

from typing import Any

from payme.features.payments import AmountOutsideLimits, MethodNotConfigured, PhoneInvalid, prompt_key
from payme.features.tokens.errors import PackageUnknown
from payme.features.tokens.schemas import BuyTokens, PackageView, PurchaseView, TokenMovement, WalletView
from payme.features.tokens.services import buy_tokens, get_wallet, list_movements, list_packages
from payme.kit.pagination import Page
from payme.runtime.database import UnitOfWork
from payme.runtime.http import Call, Feature, Paging, Response, Router, public

router = Router(prefix="/v1/businesses/{business_id}/tokens", tag="tokens")
packages = Router(prefix="/v1/token-packages", tag="tokens")


@router.get(operation="tokens_get", response=WalletView, may="tokens.read")
async def read_wallet(call: Call) -> Response:
    """Read what is left to operate with."""
    return await call.read(get_wallet)


@router.get("/transactions", operation="tokens_transactions", response=Page[TokenMovement], may="tokens.read")
async def list_transactions(call: Call, query: Paging) -> Response:
    """List what tokens were spent on and where they came from, newest first."""

    async def work(uow: UnitOfWork, after: list[Any] | None, limit: int) -> list[TokenMovement]:
        return await list_movements(uow, after, limit)

    return await call.read_page(query, work, key=lambda row: [row.recorded_at.isoformat(), str(row.cause), row.kind])


@router.post(
    "/purchases", operation="tokens_buy", status=201, response=PurchaseView, may="tokens.buy",
    errors=(PackageUnknown, PhoneInvalid, AmountOutsideLimits, MethodNotConfigured),
)  # fmt: skip
async def buy(call: Call, command: BuyTokens) -> Response:
    """Buy tokens by an M-Pesa prompt from the platform."""
    return await call.idempotent(
        command,
        lambda uow: buy_tokens(uow, command),
        before=lambda: call.spend("prompts", prompt_key(command.phone)),
    )


@packages.get(operation="token_packages_list", access=public, response=list[PackageView])
async def read_packages(call: Call) -> Response:
    """List the packages of tokens on sale."""
    return await call.read(list_packages)


feature = Feature("tokens", "The prepaid wallet that billable operations are charged to.", (router, packages))
