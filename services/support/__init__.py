"""Support: the contact form, tickets and mail."""
