"""A quota report in each of its forms. Pure."""
