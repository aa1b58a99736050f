"""Documents that a client names instead of sending them (GraphQL over HTTP, appendix A: persisted documents).

*Trusted* documents are in a manifest that was made from the clients' sources (``kierto documents``); some callers may
be held to them. *Automatic* ones are registered by whoever first sends a text with its hash (Apollo's protocol).
"""
