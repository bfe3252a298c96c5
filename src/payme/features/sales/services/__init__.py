"""Use cases of sales, one a module."""
