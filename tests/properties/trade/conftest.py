"""A machine runs its own event loop, so nothing here is asynchronous."""
