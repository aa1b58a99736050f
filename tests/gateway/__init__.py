"""The gateway over services that answer by heart."""
