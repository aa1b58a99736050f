"""Events of other services, each handed to its use case."""
