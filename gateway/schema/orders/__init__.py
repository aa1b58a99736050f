"""Agreements, calendars, orders, pickups and their events."""
