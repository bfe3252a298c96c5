"""Events delivered to systems of the merchant, signed, with every attempt kept.

Endpoints, secrets and attempts live here. What happened is told by the feature that published it.
"""
