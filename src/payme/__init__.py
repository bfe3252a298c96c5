"""PayMe runs a small Kenyan shop's money: sales, M-Pesa, stock, credit, and the proof of all of it."""
