"""The audit log of a service: entries of its transactions, chained by digests so that a later change is found."""
