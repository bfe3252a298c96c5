"""Use cases of expenses, one module for each verb."""
