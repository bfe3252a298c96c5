"""The outside world as a process of its own: Daraja, and what else PayMe calls, able to misbehave on request.

Imports nothing of payme, so that a mistake in a client cannot hide in its counterpart.
"""
