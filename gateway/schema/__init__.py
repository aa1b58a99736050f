"""The GraphQL schema: a package for each domain, with its type extensions, queries and mutations."""
