"""Text messages through an SMS gateway.

Wording, budgets of 160 characters and quiet hours belong to notifications.
"""
