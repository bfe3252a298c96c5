"""What a shop's API operator orders or asks: payouts, transfers, reversals, status, balance. Results come later."""
