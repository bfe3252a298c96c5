"""Structured logs with redaction, metrics, traces, error reports.

Off unless configured. Nothing here changes what a request does.
"""
