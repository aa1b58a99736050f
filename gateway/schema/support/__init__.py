"""Fields of support: contact form and tickets."""
