"""`make demo`: three releases of a sample app, gated on a real cluster."""
