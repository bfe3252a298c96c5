"""The daily proof that every shilling is accounted for: sales, M-Pesa receipts, ledger and counted cash, line by line.

Differences, their named reasons and their closing by a second person live here. Evidence itself stays with payments.
"""
