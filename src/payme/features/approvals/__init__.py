"""Requests that need a second person: limits, approvers, decisions.

An approver is never the requester. What the decision permits is done by the feature that asked.
"""
