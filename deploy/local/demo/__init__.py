"""The demonstration data: an ERP export of four customers, and how it is loaded once."""
