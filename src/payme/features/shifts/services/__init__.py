"""Use cases of shifts, one module for each verb."""
