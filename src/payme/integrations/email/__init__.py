"""Mail over SMTP.

Wording and templates belong to notifications.
"""
