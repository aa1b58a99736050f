"""The service stats: volumes and invoices."""
