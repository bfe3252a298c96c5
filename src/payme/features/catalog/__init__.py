"""What the shop sells: products, barcodes, units, prices, VAT classes with their dates.

How much of it there is belongs to inventory.
"""
