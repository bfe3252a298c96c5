"""`payme tokens`: what was sent to the platform's paybill by hand and names no wallet, and whose it is after all."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from payme.entrypoints.reach import open_worker_database, settings_or_exit
from payme.features.businesses import PLATFORM_BUSINESS_ID
from payme.features.payments import Unplaced, hand_over_receipt, list_unplaced
from payme.kit.money import shillings_text
from payme.runtime.database import UnitOfWork

Result = TypeVar("Result")
Receipt = Annotated[str, typer.Argument(help="The receipt number, as M-Pesa tells it.")]
Account = Annotated[str, typer.Argument(help="The account of the wallet, as the shop's settings show it.")]
app = typer.Typer(name="tokens", help="Money that was sent to the platform's paybill by hand.", no_args_is_help=True)


@app.command("unplaced")
def unplaced() -> None:
    """List money that names no wallet, or is too much to be believed on a notice alone. Changes nothing; exits with 3 if there is any."""
    settings_or_exit()
    found = asyncio.run(_within_platform(list_unplaced))
    for each in found:
        typer.echo(_line(each))
    if found:
        raise typer.Exit(3)
    typer.echo("Nothing waits.")


@app.command("hand-over")
def hand_over(receipt: Receipt, account: Account) -> None:
    """Give such money to the wallet that it was meant for; the worker credits it. Look the receipt up at M-Pesa first."""
    settings_or_exit()
    number = receipt.strip().upper()
    business_id = asyncio.run(_within_platform(lambda uow: hand_over_receipt(uow, number, account)))
    typer.echo(f"{number} is handed over to the wallet of {business_id}.")


def _line(each: Unplaced) -> str:
    return f"{each.receipt}  {each.told_at:%Y-%m-%d %H:%M}Z  KES {shillings_text(each.amount_cents):>12}  account {each.account or '-'}"


async def _within_platform(work: Callable[[UnitOfWork], Awaitable[Result]]) -> Result:
    async with open_worker_database() as database:
        return await database.run(work, business_id=PLATFORM_BUSINESS_ID)
