"""The embedded stack: real PostgreSQL, Valkey and Kafka, a mailbox, and every process of Kierto."""
