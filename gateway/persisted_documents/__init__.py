"""Persisted documents: documents that a client identifies by an id instead of sending them.

See GraphQL over HTTP, appendix A. *Trusted* documents are in a manifest made from the clients' sources (``kierto
documents``); the setting ``trusted_only`` restricts kinds of callers to them. *Automatic* documents are registered by
the first client that sends a text with its hash (Apollo's automatic persisted queries).
"""
