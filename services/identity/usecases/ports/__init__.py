"""The ports: what the use cases need, a small protocol each."""
