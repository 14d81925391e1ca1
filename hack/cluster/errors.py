"""What can go wrong with the local cluster."""


class ClusterError(Exception):
    """The local cluster cannot do what was asked; the message says what to do about it."""
