"""`make demo`, `make demo-shop`: releases of a sample app, gated on a real cluster."""
