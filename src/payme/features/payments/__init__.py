"""Money coming in and going out by M-Pesa, and how sure of it we are.

Payment states, evidence and unclaimed money live here. What was paid for does not: news of a success is published,
and sales, credit and tokens subscribe. A receipt is applied at most once.
"""
