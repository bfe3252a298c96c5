"""Ledger: accounts, postings, balances, reversal, trial balance.

A posting moves a positive amount of one unit from one account to another, so every event balances by construction. Postings
are never edited; a correction is a reversing transaction. Balances of income and liability accounts are negative.
"""

from payme.features.ledger.enums import AccountCode
from payme.features.ledger.errors import AlreadyPosted
from payme.features.ledger.repository import list_booked, list_movements
from payme.features.ledger.rules import Movement, Posting
from payme.features.ledger.services import balances_of, open_accounts, post, reverse_transaction, trial_balance

__all__ = [
    "AccountCode",
    "AlreadyPosted",
    "Movement",
    "Posting",
    "balances_of",
    "list_booked",
    "list_movements",
    "open_accounts",
    "post",
    "reverse_transaction",
    "trial_balance",
]
