"""Tests of every service against its OpenAPI document."""
