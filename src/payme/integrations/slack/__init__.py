"""Alerts for whoever runs the deployment, by an incoming webhook.

When to alert is decided by operations.
"""
