"""Value completion (GraphQL specification, section 6.4.3): compiled for the usual value, slow for any other."""
