"""The demonstration data: an ERP export of four customers, and its loading."""
