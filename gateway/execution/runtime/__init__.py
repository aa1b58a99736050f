"""Breadth-first execution of a plan: dispatch of each step, and what follows from its values."""
