"""Use cases of the stock room, one module for each verb."""
