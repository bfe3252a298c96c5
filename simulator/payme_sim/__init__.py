<<<<<<< HEAD
"""A payment provider that can misbehave, in its own process.

Lives here: Daraja as a shop meets it on the wire, with a ledger, a virtual clock, faults, a transcript and a phone page.
Does not live here: anything of the platform; neither package imports the other.
Invariant: what the simulator told a client and what it did is all in its transcript.
=======
"""The outside world as a process of its own: Daraja, and what else PayMe calls, able to misbehave on request.

Imports nothing of payme, so that a mistake in a client cannot hide in its counterpart.
>>>>>>> house
"""
