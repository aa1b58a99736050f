"""Tests, in the layout of the product."""
