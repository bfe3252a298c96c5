"""SQL of operations. It alone may read the tables of every feature, because an invariant stands across them; it writes none."""
