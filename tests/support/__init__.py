"""Support for tests: real servers, databases, callers."""
