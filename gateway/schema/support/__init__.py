"""The contact form and tickets."""
