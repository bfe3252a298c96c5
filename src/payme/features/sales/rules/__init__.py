"""Pure decisions about sales: what a cart costs and where a sale goes, and what may go back of one."""
