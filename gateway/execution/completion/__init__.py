"""Value completion (GraphQL specification, section 6.4.3): compiled for the common values, slow for the others."""
