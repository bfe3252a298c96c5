"""SQL of operations: the invariants, which alone may read the tables of every feature, and never write."""
