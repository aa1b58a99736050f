"""The domain of orders. Pure: no input or output."""
