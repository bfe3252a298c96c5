"""The use cases of identity, one module for each kind of thing."""
