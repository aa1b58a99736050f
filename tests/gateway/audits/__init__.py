"""The audits of GraphQL over HTTP by npm's `graphql-http`, on a running gateway."""
