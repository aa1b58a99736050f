"""What clients see: one GraphQL schema over five services."""
