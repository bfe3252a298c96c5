"""A payment provider that can misbehave, in its own process.

Lives here: Daraja as a shop meets it on the wire, with a ledger, a virtual clock, faults, a transcript and a phone page.
Does not live here: anything of the platform; neither package imports the other.
Invariant: what the simulator told a client and what it did is all in its transcript.
"""
