"""A webhook of the user's own, as the operator uses it: one POST of a report."""

from devperfops_operator.adapters.webhook.receiver import Webhook

__all__ = ["Webhook"]
