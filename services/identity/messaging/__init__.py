"""Handlers of the events of other services; each calls its use case."""
