"""Payments that customers make by themselves: addresses for news of them, the news, and the answer to a validation."""
