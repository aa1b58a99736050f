"""Infrastructure that all services share. It knows no noun of the domain."""
