"""Files of an ERP export on their way in."""
