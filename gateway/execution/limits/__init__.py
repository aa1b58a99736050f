"""Limits of an operation's text: tokens, fields, depth, aliases, cost; validation within them."""
