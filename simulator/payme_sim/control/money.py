"""Money by hand: what stands where, a customer who pays by himself, money from the bank.

Lives here: HTTP in, one call, JSON out. Does not live here: the rules of the ledger.
Invariant: a payment that was refused is an answer, not an error; nothing has moved then.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from payme_sim.apps import Kind, ShortCode
from payme_sim.c2b import ByHand
from payme_sim.clock import NAIROBI
from payme_sim.control.asking import SETTLE_SECONDS, Command, Unknown, read, world_of
from payme_sim.ledger import PaymentRefused
from payme_sim.movements import Place
from payme_sim.statement import statement_csv
from payme_sim.world import World

_MSISDN = re.compile(r"254[17]\d{8}", re.ASCII)


class ChangeWallet(Command):
    """A number's PIN and balance."""

    pin: str | None = Field(default=None, pattern=r"^\d{4}$")
    balance_cents: int | None = Field(default=None, ge=0, le=50_000_000)


class Pay(Command):
    """What a person types to pay a paybill or a till; `amount` in whole shillings."""

    msisdn: str = Field(pattern=r"^254[17]\d{8}$")
    shortcode: str = Field(pattern=r"^\d{5,7}$", description="The number that customers pay: paybill or till.")
    amount: int = Field(ge=1, le=999_999)
    reference: str = Field(default="", max_length=20)
    name: str | None = Field(default=None, min_length=1, max_length=160)
    kind: Literal["paybill", "till"] | None = None


class Deposit(Command):
    """Money from the bank; a negative amount goes back there. Without an account it is the one customers pay into."""

    shortcode: str
    amount_cents: int
    account: str | None = None


async def show_ledger(request: Request) -> Response:
    """Show all balances and payments."""
    return JSONResponse(world_of(request).ledger.view())


async def change_wallet(request: Request) -> Response:
    """Set a number's PIN or balance, making the wallet if need be."""
    ledger, command = world_of(request).ledger, await read(request, ChangeWallet)
    msisdn = str(request.path_params["msisdn"])
    if not _MSISDN.fullmatch(msisdn):
        raise Unknown
    wallet = ledger.wallet(msisdn)
    wallet.pin = command.pin or wallet.pin
    if command.balance_cents is not None:
        ledger.set_balance(msisdn, command.balance_cents)
    return JSONResponse({"msisdn": msisdn, "balance_cents": wallet.balance_cents})


async def list_registrations(request: Request) -> Response:
    """List the C2B URLs by short code."""
    registered = world_of(request).c2b.registrations
    return JSONResponse({"registrations": {number: asdict(each) for number, each in registered.items()}})


async def pay(request: Request) -> Response:
    """Pay by hand; answered when the money has moved and, unless that takes long, the merchant has been told."""
    world, command = world_of(request), await read(request, Pay)
    shortcode = _paid_at(world, command)
    wish = ByHand(
        msisdn=command.msisdn,
        shortcode=shortcode,
        amount=command.amount,
        reference=command.reference,
        name=command.name,
    )
    attempt = await world.c2b.attempt(wish)
    movement = attempt.movement
    if movement is None:
        return JSONResponse({"paid": False, "code": attempt.code, "receipt": None})
    confirming = asyncio.ensure_future(world.c2b.confirm(movement, shortcode, third_party_id=attempt.third_party_id))
    world.clock.keep(confirming)
    await asyncio.wait({confirming}, timeout=SETTLE_SECONDS)
    told = {"receipt": movement.receipt, "amount_cents": movement.amount_cents, "name": shortcode.name}
    return JSONResponse({"paid": True, "code": attempt.code, **told})


async def deposit(request: Request) -> Response:
    """Bring money from the bank to a short code, or take it there."""
    world, command = world_of(request), await read(request, Deposit)
    shortcode = world.apps.shortcodes.get(command.shortcode)
    account = command.account or (shortcode.receiving_account if shortcode else "")
    if shortcode is None or account not in shortcode.account_names or command.amount_cents == 0:
        raise Unknown
    try:
        movement = world.ledger.deposit(Place(shortcode.shortcode, account), command.amount_cents)
    except PaymentRefused as refusal:
        return JSONResponse({"moved": False, "code": refusal.code, "receipt": None})
    balance_cents = world.ledger.balance_cents(Place(shortcode.shortcode, account))
    return JSONResponse({"moved": True, "code": "0", "receipt": movement.receipt, "balance_cents": balance_cents})


async def show_statement(request: Request) -> Response:
    """Serve the statement of an account as CSV; times are ISO 8601, Nairobi unless they say otherwise."""
    world, asked = world_of(request), request.query_params
    shortcode = world.apps.shortcode_of(asked.get("shortcode", ""))
    if shortcode is None:
        raise Unknown
    account = asked.get("account", shortcode.receiving_account)
    if account not in shortcode.account_names:
        raise Unknown
    first = _instant(asked.get("from"), otherwise=datetime.min.replace(tzinfo=UTC))
    end = _instant(asked.get("to"), otherwise=datetime.max.replace(tzinfo=UTC))
    text = statement_csv(world, Place(shortcode.shortcode, account), first=first, end=end)
    return Response(text, media_type="text/csv; charset=utf-8")


def _instant(text: str | None, *, otherwise: datetime) -> datetime:
    if text is None:
        return otherwise
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=NAIROBI)


def _paid_at(world: World, command: Pay) -> ShortCode:
    """Find who is paid at this number; without a kind the number alone decides."""
    shortcode = world.apps.paid_at(command.shortcode)
    if shortcode is None or (command.kind and Kind(command.kind) is not shortcode.kind):
        raise Unknown
    return shortcode
