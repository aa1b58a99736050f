"""The ports of the use cases: one repository an aggregate, and the transaction that holds them."""
