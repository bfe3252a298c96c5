"""Pure decisions of reconciliation: what documents say of a posting, what differs, what a threshold forgives, in which words."""
