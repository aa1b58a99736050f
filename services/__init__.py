"""Five independent services and what they stand on: contracts < chassis < access < each service."""
