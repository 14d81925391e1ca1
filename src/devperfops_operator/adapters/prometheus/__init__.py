"""Prometheus, as the operator uses it: raw counter samples."""

from devperfops_operator.adapters.prometheus.metrics import PrometheusMetrics

__all__ = ["PrometheusMetrics"]
