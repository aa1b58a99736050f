"""Events of other services and receipts that are due, each handed to its use case."""
