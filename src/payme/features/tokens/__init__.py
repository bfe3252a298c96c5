"""Tokens: the prepaid wallet that the platform charges.

A billable operation costs one token: reserved when it starts, charged when it completes, released when it does not. A request
never takes the available balance below zero; a fact, whose goods are gone, may use a bounded overdraft. The wallet is the
balance row of a ledger account in unit TOKEN.
"""

from payme.features.tokens.errors import TokensExhausted
from payme.features.tokens.events import TokensPurchased
from payme.features.tokens.services import TokenPolicy, TopUpDesk, charge, grant, open_wallet, reserve, settle

__all__ = [
    "TokenPolicy",
    "TokensExhausted",
    "TokensPurchased",
    "TopUpDesk",
    "charge",
    "grant",
    "open_wallet",
    "reserve",
    "settle",
]
