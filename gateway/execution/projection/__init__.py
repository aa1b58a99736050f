"""Projections: decoding of a service's JSON straight into the response."""
