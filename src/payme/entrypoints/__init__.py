"""Wiring: the processes of PayMe. Nothing imports them."""
