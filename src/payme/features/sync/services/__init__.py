"""Use cases of sync, and the collections that it carries."""
