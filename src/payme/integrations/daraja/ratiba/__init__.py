"""M-Pesa Ratiba: payments that a customer allows once and M-Pesa then makes by itself."""
