"""News published in the transaction and delivered after it, and the inbox for what arrives from outside.

Which events exist, and who listens, is said by the features.
"""
