"""Sales and the shifts they happen in: lines, totals, tenders, receipts, refunds.

Stock, money and tokens move through the faces of the features below. A sale is completed once, and every completed
sale has one receipt number, unique per till.
"""
