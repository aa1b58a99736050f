"""Seeded data: any number of customers' sites in fixed proportions, for measurements (`kierto seed`)."""

FEWEST_SITES = 40
"""With fewer there is not one organisation of each sort."""
MOST_SITES = 1_000_000
