"""Expenses: categories, their way to payment, recurring ones, budgets with alerts.

    recorded → verified → approved → paid, or cancelled before it is paid

Cash that a shift's drawer has given out already is booked when it is recorded, and is paid once somebody agrees; anything else
is owed until it is paid. Each record costs one token.
"""

from payme.features.expenses.errors import ExpenseExists, ExpenseNotFound
from payme.features.expenses.events import ExpenseChanged
from payme.features.expenses.repository import list_cash_documents
from payme.features.expenses.schemas import CancelExpense, ExpenseView, PayExpense, RecordExpense
from payme.features.expenses.services.decide import approve_expense, cancel_expense, pay_expense, verify_expense
from payme.features.expenses.services.read_expenses import get_expense, list_expenses_of
from payme.features.expenses.services.record_expense import record_expense

__all__ = [
    "CancelExpense",
    "ExpenseChanged",
    "ExpenseExists",
    "ExpenseNotFound",
    "ExpenseView",
    "PayExpense",
    "RecordExpense",
    "approve_expense",
    "cancel_expense",
    "get_expense",
    "list_cash_documents",
    "list_expenses_of",
    "pay_expense",
    "record_expense",
    "verify_expense",
]
