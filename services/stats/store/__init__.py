"""The repositories of stats in PostgreSQL, and the transaction that holds them."""
