"""Clients of the outside world: stateless translation, no database, no rule of the business.

Each answers done, refused or unknown, and no client knows another.
"""
