"""This worker's database, with everything wired."""

from tests.trade import database

__all__ = ["database"]
