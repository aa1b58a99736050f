"""GraphQL over WebSocket: the graphql-transport-ws protocol, its connections and their registry."""
