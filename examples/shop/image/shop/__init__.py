"""A small shop of three services on one PostgreSQL database: an example of what a gate guards."""
