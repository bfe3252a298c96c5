"""Scenarios speak HTTP to real processes."""

from tests.stack import stack

__all__ = ["stack"]
