"""Use cases of the catalogue, one module for each verb."""
