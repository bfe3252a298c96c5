<<<<<<< HEAD
"""What happened, told onwards: events stored in a transaction reach live streams and other processes after it."""
=======
"""News published in the transaction and delivered after it, and the inbox for what arrives from outside.

Which events exist, and who listens, is said by the features.
"""
>>>>>>> house
