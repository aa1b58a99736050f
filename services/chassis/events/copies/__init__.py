"""Copies of other services' data: the owner announces its present state, the copy is rebuilt from it."""
