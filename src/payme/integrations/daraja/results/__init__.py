"""What Safaricom tells later about the operations of a shop: the `Result` envelope and what stands in it."""
