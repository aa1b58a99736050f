"""People, organisations, partners, sign-in."""
