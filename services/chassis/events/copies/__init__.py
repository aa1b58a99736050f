"""Copies of other services' data: the owner announces its current state, the copy is rebuilt from it."""
