"""KRA eTIMS: items, invoices and credit notes sent in gap-free order, signatures returned.

Only what the tax authority must know and has answered; VAT itself is computed by the sale.
"""
