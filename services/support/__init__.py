"""The service support: contact forms, tickets, and messages to people."""
