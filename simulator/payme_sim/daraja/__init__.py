"""The provider's products as they look on the wire, one module each.

Lives here: field rules, answers, the bodies of callbacks and results. Does not live here: money, time, delivery.
Invariant: a handler either raises a refusal and changes nothing, or returns the accepted answer.
"""
