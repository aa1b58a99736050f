"""The repositories of orders in PostgreSQL, and the transaction that holds them."""
