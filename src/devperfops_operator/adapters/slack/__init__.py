"""Slack, as the operator uses it: one plain message."""

from devperfops_operator.adapters.slack.receiver import SlackChannel

__all__ = ["SlackChannel"]
