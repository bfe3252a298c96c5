"""An organisation's statement, as its portal lets an operator download it.

Lives here: the layout of the file. Does not live here: what moved.
Invariant: a row is something that moved through the account, newest first; each balance follows from the one below it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from payme_sim.clock import NAIROBI
from payme_sim.daraja.c2b_notice import written_msisdn
from payme_sim.movements import BANK, POCHI, WALLET, Movement, Place, shillings

if TYPE_CHECKING:
    from payme_sim.world import World

COLUMNS = (
    "Receipt No.",
    "Completion Time",
    "Initiation Time",
    "Details",
    "Transaction Status",
    "Paid In",
    "Withdrawn",
    "Balance",
    "Balance Confirmed",
    "Reason Type",
    "Other Party Info",
    "Linked Transaction ID",
    "A/C No.",
)


def statement_csv(world: World, account: Place, *, first: datetime, end: datetime) -> str:
    """Write what was completed in an account from `first` until before `end`."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    rows = (each for each in reversed(world.ledger.movements) if first <= each.at < end)
    writer.writerows(_rows(world, account, rows))
    return text.getvalue()


def _rows(world: World, account: Place, movements: Iterable[Movement]) -> Iterable[list[str]]:
    for movement in movements:
        order = movement.order
        if account == order.credit:
            yield _row(movement, (shillings(movement.amount_cents), ""), party=_party(world, movement, order.debit))
        elif account == order.debit:
            yield _row(movement, ("", shillings(-movement.amount_cents)), party=_party(world, movement, order.credit))


def _row(movement: Movement, amounts: tuple[str, str], *, party: str) -> list[str]:
    """Write one row; `amounts` are paid in and withdrawn, of which one is empty."""
    order, is_paid_in = movement.order, bool(amounts[0])
    reference = f" Acc. {order.reference}" if order.reference else ""
    return [
        movement.receipt,
        _time(movement.at),
        _time(movement.started_at),
        f"{order.reason} {'from' if is_paid_in else 'to'} {party}{reference}",
        "Completed",
        *amounts,
        shillings(movement.credit_after_cents if is_paid_in else movement.debit_after_cents),
        "true",
        str(order.reason),
        party,
        order.linked_receipt,
        order.reference,
    ]


def _party(world: World, movement: Movement, place: Place) -> str:
    """Name the other side: a person's number as the settings write it, or a short code."""
    if place.account in {WALLET, POCHI}:
        number = written_msisdn(place.holder, world.settings.msisdn_form or "masked")
        return f"{number} - {movement.order.party or world.ledger.name_of(place.holder)}"
    if place == BANK:
        return BANK.account
    shortcode = world.apps.shortcodes.get(place.holder)
    return f"{shortcode.receives_on} - {shortcode.name}" if shortcode else place.holder


def _time(at: datetime) -> str:
    return at.astimezone(NAIROBI).strftime("%d-%m-%Y %H:%M:%S")
