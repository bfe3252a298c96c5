"""Arcjet: asked before a request is looked at whether it is part of an attack. Optional, and never in the way.

Not here: our own limits (`payme.runtime.http`). Invariant: whatever goes wrong here lets the request through, and is counted.
"""

from payme.integrations.arcjet.client import ArcjetShield

__all__ = ["ArcjetShield"]
