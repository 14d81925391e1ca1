"""What AWS's APIs tell of an account's quotas. Needs the extra `aws`."""

from devperfops_operator.adapters.aws.quotas import read_account

__all__ = ["read_account"]
