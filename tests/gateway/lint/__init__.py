"""The rules of npm's `@graphql-eslint` for the committed schema and the examples."""
