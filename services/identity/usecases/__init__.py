"""The use cases of identity, a module each."""
