"""Refusals of the ledger."""

from payme.kit.errors import Conflict, NotFound, Refused


class AccountMissing(NotFound):
    """An account that this event needs does not exist in this business."""

    code = "ledger.account_missing"


class AlreadyPosted(Conflict):
    """This event has been booked already."""

    code = "ledger.already_posted"
    constraints = ("postings_pkey",)


class ReversalIsFinal(Refused):
    """A reversal is not reversed; what it should not have undone is booked again."""

    code = "ledger.reversal_is_final"


class TransactionNotFound(NotFound):
    """There is no such transaction in this business's books."""

    code = "ledger.transaction_not_found"
