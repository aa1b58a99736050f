"""The service orders: agreements, calendars, orders, pickups, and their reference data."""
