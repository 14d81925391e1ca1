"""Whether the objectives of services add up to what was promised to users."""
