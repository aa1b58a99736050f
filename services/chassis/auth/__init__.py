"""Access tokens: verification by the public keys of identity."""
