"""Sites: the places that are served, their containers and contacts."""
