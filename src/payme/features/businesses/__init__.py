"""Businesses, their branches, tills and settings.

The tenant itself lives here. Who may act in it belongs to identity.
"""
