"""How operations are executed. Knows Strawberry, and nothing of waste."""
