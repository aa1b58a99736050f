"""The operations of orders' contract."""
