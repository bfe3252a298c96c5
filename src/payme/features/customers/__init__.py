"""The people who buy: identity, consent, loyalty, merging, export and erasure.

Phone numbers are encrypted with a blind index. What a customer owes belongs to credit.
"""
