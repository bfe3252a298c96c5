"""Use cases of customers, one module for each verb."""
