"""Identity: users, organisations, partners, sign-in and access."""
