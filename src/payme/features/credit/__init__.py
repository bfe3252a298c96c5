"""Credit accounts and hire purchase: limits, agreements, instalments, repayments, ageing.

What customers owe lives here; who they are lives in customers, and the money in the ledger.
"""
