"""Use cases of sync."""
