"""Push messages to browsers, signed with the deployment's VAPID key.

Subscriptions belong to notifications.
"""
