"""Asking what stands in the accounts: `/mpesa/accountbalance/v1/query`.

Lives here: the question and the text of its result. Does not live here: balances.
Invariant: the balances are those of the moment at which the result is written.
"""

from __future__ import annotations

from typing import Any

from payme_sim.daraja.errands import accept, read_asking
from payme_sim.daraja.fields import read_choice
from payme_sim.daraja.wire import piped_balance, stamp
from payme_sim.faults import Product
from payme_sim.gateway import Call
from payme_sim.movements import CHARGES_PAID, MERCHANT, SETTLEMENT, UTILITY, WORKING, Place
from payme_sim.operations import Errand, Operation, Verdict
from payme_sim.outcomes import PAID

_ORDER = (WORKING, UTILITY, MERCHANT, CHARGES_PAID, SETTLEMENT)


async def query_balance(call: Call) -> dict[str, Any]:
    """Accept the question."""
    world = call.world
    call.app()
    body = call.body()
    asking = read_asking(world, body)
    read_choice(body, "CommandID", choices=("AccountBalance",))
    read_choice(body, "IdentifierType", choices=("1", "2", "4"))

    def perform(operation: Operation) -> Verdict:
        shortcode = operation.errand.shortcode
        names = [name for name in _ORDER if name in shortcode.account_names]
        places = [Place(shortcode.shortcode, name) for name in names]
        text = "&".join(piped_balance(place.account, world.ledger.balance_cents(place)) for place in places)
        completed = ("BOCompletedTime", stamp(world.clock.now()))
        return Verdict(code=PAID, parameters=(("AccountBalance", text), completed))

    errand = Errand(
        product=Product.BALANCE,
        shortcode=asking.shortcode,
        initiator=asking.initiator,
        credential=asking.credential,
        result_url=asking.result_url,
        timeout_url=asking.timeout_url,
        perform=perform,
    )
    return await accept(call, errand)
