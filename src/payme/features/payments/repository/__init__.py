"""SQL of payments: `payments` themselves with their evidence, and `methods`, the ways to be paid."""
