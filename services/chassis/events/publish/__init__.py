"""The relay: sequences the outbox, publishes it under a lease, and checks the cluster against its checkpoint."""
