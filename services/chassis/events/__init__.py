"""Events: written to the outbox in the transaction, published to Kafka in sequence, consumed exactly once."""
