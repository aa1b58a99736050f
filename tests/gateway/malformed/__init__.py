"""Malformed and random requests: the gateway answers in the form of its errors, in time, and stays healthy."""
