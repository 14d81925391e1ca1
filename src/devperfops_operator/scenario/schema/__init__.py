"""Values for schemas: made from a seed, checked by our own eyes."""
