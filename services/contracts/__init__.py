"""The published language: what each service offers and announces. No input or output happens here."""
