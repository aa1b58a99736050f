"""Calls between processes, made from one Protocol: the service's routes, the caller's client, the OpenAPI document."""
