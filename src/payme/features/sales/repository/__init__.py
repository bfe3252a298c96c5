"""SQL of sales, one module for each kind of row."""
