"""SQL of shifts."""
