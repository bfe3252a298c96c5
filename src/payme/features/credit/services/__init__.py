"""Use cases of credit, one module for each verb."""
