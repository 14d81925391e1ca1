"""What access logs tell of users: which request follows which, after how long."""
