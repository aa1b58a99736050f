"""Authorisation, the same in every service: the caller, the copy of access, the decision."""
