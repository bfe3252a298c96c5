"""Refusals of expenses. Whenever one is raised, nothing was written."""

from payme.kit.errors import Conflict, Forbidden, NotFound


class ExpenseNotFound(NotFound):
    """There is no such expense in this business."""

    code = "expenses.not_found"


class ExpenseExists(Conflict):
    """An expense with this id exists already; its first request was answered."""

    code = "expenses.exists"
    constraints = ("expenses_pkey",)


class ExpenseAboveLimit(Forbidden):
    """This is more than you may take out of the drawer, or agree to; ask somebody whose limit is higher."""

    code = "expenses.above_limit"


class OwnExpense(Forbidden):
    """Nobody agrees to an expense of their own, except the owner."""

    code = "expenses.own_expense"


class WrongState(Conflict):
    """An expense that stands where this one does cannot go there."""

    code = "expenses.wrong_state"
