"""Fields of identity: users, organisations, partners and sign-in."""
