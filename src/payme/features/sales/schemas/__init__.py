"""Commands that make, pay and refund sales, and the views of them, by what they are about."""
