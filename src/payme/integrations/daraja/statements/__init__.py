"""Statements that a person downloads from the M-Pesa organisation portal, read row by row."""
