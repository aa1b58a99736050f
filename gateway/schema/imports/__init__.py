"""Fields of imports: files of an ERP export."""
