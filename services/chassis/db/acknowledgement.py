"""The part of the event log that Kafka has, in SQL."""

ACKNOWLEDGED_SEQUENCE = """coalesce((
    SELECT min(u.sequence) FROM chassis.published_up_to u JOIN chassis.leader USING (cluster_id)
), 0)"""
"""The sequence up to which the present cluster has acknowledged every topic; 0 before it has."""
