"""Files in S3-compatible storage: put, get, expiring links.

What is stored, and for how long, is decided by the feature that stores it.
"""
