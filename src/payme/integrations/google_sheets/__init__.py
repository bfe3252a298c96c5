"""Rows appended to a Google spreadsheet, with formula injection neutralised.

Which rows, and which were already sent, is known by the feature that mirrors them.
"""
