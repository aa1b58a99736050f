"""The public audits of GraphQL over HTTP: npm's `graphql-http`, against a running gateway."""
