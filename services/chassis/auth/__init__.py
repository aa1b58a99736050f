"""Access tokens: signing, and verification with identity's public keys."""
