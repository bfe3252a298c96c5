"""The daily proof that every shilling is accounted for: sales, M-Pesa receipts, ledger and counted cash, line by line.

Differences, their named reasons and their closing by a second person live here. Evidence itself stays with payments. A day is
reconciled any number of times; what a person has closed stays closed, and what is found no more has resolved itself.
"""

from payme.features.reconciliation.events import DifferenceClosed, ReconciliationFinished
from payme.features.reconciliation.services.count_cash import count_cash
from payme.features.reconciliation.services.run_day import run_day

__all__ = ["DifferenceClosed", "ReconciliationFinished", "count_cash", "run_day"]
