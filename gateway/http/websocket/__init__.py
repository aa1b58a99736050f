"""GraphQL over WebSocket: the graphql-transport-ws protocol, its endpoint, its connections and their registry."""
