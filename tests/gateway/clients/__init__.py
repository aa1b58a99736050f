"""Tests of the example clients of ``docs/clients``."""
