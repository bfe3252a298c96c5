"""Refusals of credit. Whenever one is raised, nothing was written."""

from payme.kit.errors import Conflict, NotFound, Refused


class CreditAccountNotFound(NotFound):
    """There is no such credit account in this business."""

    code = "credit.not_found"


class CreditAccountExists(Conflict):
    """This customer has a credit account already."""

    code = "credit.exists"
    constraints = ("credit_accounts_customer_key", "credit_accounts_pkey")


class RepaymentExists(Conflict):
    """A repayment with this id exists already; its first request was answered."""

    code = "credit.repayment_exists"
    constraints = ("credit_entries_pkey",)


class RepaymentNotFound(NotFound):
    """There is no such repayment of this credit account."""

    code = "credit.repayment_not_found"


class NotByMpesa(Refused):
    """Only what was repaid by M-Pesa can be taken back; cash and card are given back over the counter."""

    code = "credit.not_by_mpesa"


class AlreadyTakenBack(Conflict):
    """This repayment was taken back before."""

    code = "credit.already_taken_back"


class LimitExceeded(Refused):
    """This is more than the customer may owe."""

    code = "credit.limit_exceeded"


class AccountClosed(Refused):
    """This credit account is closed."""

    code = "credit.account_closed"


class MoreThanOwed(Refused):
    """This is more than the customer owes."""

    code = "credit.more_than_owed"


class DebtLeft(Refused):
    """Only an account on which nothing is owed, and nothing paid ahead, can be closed."""

    code = "credit.debt_left"
