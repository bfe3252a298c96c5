"""Credit accounts and hire purchase: limits, agreements, instalments, repayments, ageing.

What customers owe lives here; who they are lives in customers, and the money in the ledger, whose account of receivables is
the sum of all debts. A debt moves at the flush, under the lock of its account: a request is held to the limit and to what is
owed, a fact to neither. Repayments settle the oldest purchase first; those by M-Pesa are applied once for each payment, and what
is more than is owed is paid ahead.
"""

from payme.features.credit.errors import AccountClosed, CreditAccountNotFound, LimitExceeded, MoreThanOwed
from payme.features.credit.repository import list_repayments_among
from payme.features.credit.schemas import (
    ChangeCreditAccount,
    CreditAccountView,
    OpenCreditAccount,
    RepayCredit,
    RepaymentView,
)
from payme.features.credit.services.debts import charge, lower_debt, return_charge
from payme.features.credit.services.keep_accounts import change_account, open_account
from payme.features.credit.services.name_accounts import CreditDesk, list_likely_debts
from payme.features.credit.services.read_accounts import get_account, list_accounts_of
from payme.features.credit.services.repay import repay

__all__ = [
    "AccountClosed",
    "ChangeCreditAccount",
    "CreditAccountNotFound",
    "CreditAccountView",
    "CreditDesk",
    "LimitExceeded",
    "MoreThanOwed",
    "OpenCreditAccount",
    "RepayCredit",
    "RepaymentView",
    "change_account",
    "charge",
    "get_account",
    "list_accounts_of",
    "list_likely_debts",
    "list_repayments_among",
    "lower_debt",
    "open_account",
    "repay",
    "return_charge",
]
