"""Password hashing, token formats, field encryption with key ids, blind indexes, CSRF.

Mechanisms only: who may do what belongs to identity.
"""
