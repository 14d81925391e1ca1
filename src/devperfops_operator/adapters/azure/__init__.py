"""What Azure tells of a subscription's quotas. Needs the extra `azure`."""

from devperfops_operator.adapters.azure.quotas import read_subscription

__all__ = ["read_subscription"]
