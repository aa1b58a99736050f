"""The operations of identity's contract, and the keys that verify tokens."""
