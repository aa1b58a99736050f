"""Slow hashing of passwords, and the queue before it."""
