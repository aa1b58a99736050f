"""Projections: a service's JSON is decoded straight into the response's part."""
