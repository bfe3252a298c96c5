"""SQL of sync."""
