"""Identity: people, organisations, partners, sign-in, and who has access to what."""
