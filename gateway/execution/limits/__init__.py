"""Limits of an operation (tokens, fields, depth, aliases, cost), and validation within them."""
