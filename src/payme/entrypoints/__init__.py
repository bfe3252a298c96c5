<<<<<<< HEAD
"""Wiring: the processes of PayMe. Nothing imports them."""
=======
"""The processes of PayMe: the API, the worker, the `payme` command and the demo.

Wiring only: settings are read here, rooms are given what they need, and nothing imports these modules. A decision
about the business or about the machine room belongs to the room that owns it.
"""
>>>>>>> house
