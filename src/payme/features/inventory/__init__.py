"""Stock and purchasing: batches, FIFO cost, reservations, movements, alerts.

Movements are append-only, and for each product the sum of its movements is what is on hand. Prices belong to
the catalog.
"""
