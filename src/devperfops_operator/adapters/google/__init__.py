"""What Google's APIs tell of a project's quota. Needs the extra `google`."""

from devperfops_operator.adapters.google.quotas import read_project

__all__ = ["read_project"]
