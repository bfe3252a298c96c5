"""What an owner or a bank reads: dashboards, reports, statements.

Only reads; a number shown here is computed from the rows of the feature that owns it, never kept twice.
"""
