"""PostgreSQL: pools, migrations, keyset pages, idempotency keys and retention."""
