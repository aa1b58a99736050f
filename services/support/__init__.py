"""The service support: the contact form, tickets and their receipts."""
