"""Stats: what was collected, what it cost, and the invoices."""
