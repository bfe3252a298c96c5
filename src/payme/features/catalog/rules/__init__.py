"""Pure decisions of the catalogue: how a product is written in a table, and what a change changes."""
