"""The append-only record of who changed what, sealed into one hash chain per business.

Written in the transaction of what it describes; a row is never updated or deleted.
"""
