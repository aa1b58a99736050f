"""Breadth-first execution of a plan: dispatch of each step, and completion of its values."""
