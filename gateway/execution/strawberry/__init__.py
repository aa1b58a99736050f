"""The executor as Strawberry knows it: the schema class, extensions, subscriptions."""
