"""Pure decisions of sync: where a checkpoint leads, which of two changes stands, what a clock is worth, what becomes of a command."""
