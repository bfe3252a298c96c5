"""Programs that keep the house: its environment, its rules and its generated files.

Nothing here is imported by the product, and nothing here ships with it.
"""
