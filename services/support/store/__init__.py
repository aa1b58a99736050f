"""The repositories of support in PostgreSQL, and the transaction that holds them."""
