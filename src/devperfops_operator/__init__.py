"""A Kubernetes operator for continuous performance gating."""
