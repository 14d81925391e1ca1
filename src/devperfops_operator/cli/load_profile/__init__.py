"""Reads what a load profile is made of: Prometheus, gates, files."""
