"""The ports of the use cases: one repository an aggregate, the transaction that holds them, and identity."""
