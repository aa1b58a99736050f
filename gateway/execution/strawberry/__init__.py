"""Integration with Strawberry: the schema class, extensions, the executor of subscriptions."""
