"""Sealed values: secrets at rest, encrypted and bound to their place in the database."""
