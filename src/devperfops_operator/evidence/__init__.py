"""What live runs have delivered so far, and whether it is proof yet.

Stateful, but without I/O or clock. Workers' blocks go in as they come; each is counted once, in its order,
whatever is sent again or overtakes. After every block the sequential tests look at all workers together; a
failed objective stays failed. What `view` gives is a value: nothing changes in it later.
"""

from devperfops_operator.evidence.store import EvidenceStore

__all__ = ["EvidenceStore"]
