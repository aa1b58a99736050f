"""The operations of support's contract, and the client of identity."""
