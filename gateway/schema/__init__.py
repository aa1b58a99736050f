"""The graph's types, a folder a domain: types, queries, one file a mutation."""
