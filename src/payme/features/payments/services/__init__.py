"""Use cases of payments, one a module."""
