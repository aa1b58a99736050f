"""The gateway: one GraphQL schema over five services."""
