"""Jobs: effects outside the database and long work, enqueued in the transaction that causes them (PgQueuer)."""
