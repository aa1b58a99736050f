"""Cost analysis (GraphQL cost directives specification)."""
