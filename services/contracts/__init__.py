"""The services' contracts: their operations, value types and events. They do no I/O."""
