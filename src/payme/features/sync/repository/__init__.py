"""SQL of sync: the documents of its own, conflicts, and where devices stand."""
