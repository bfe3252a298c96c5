"""The control API under `/_sim`: what a test or a person steers the simulator with.

Lives here: HTTP in, one call, JSON out. Does not live here: behaviour.
Invariant: a body that is not understood changes nothing and is answered with 422 and the reasons.
"""
