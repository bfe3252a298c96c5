"""What the shop spends: expenses from recorded to paid, budgets, recurring costs.

Buying stock is not an expense; it belongs to inventory.
"""
