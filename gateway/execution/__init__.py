"""The executor of GraphQL operations: depends on Strawberry, and on nothing of Kierto's domain."""
