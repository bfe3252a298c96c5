"""Work that happens later: enqueued in the transaction that needs it, retried under a ceiling, scheduled.

What a job does belongs to the `tasks` of a feature.
"""
