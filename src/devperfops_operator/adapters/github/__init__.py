"""GitHub's REST API, as far as a pull request that changes one file needs it."""

from devperfops_operator.adapters.github.proposal import Change, Opened, propose
from devperfops_operator.adapters.github.repository import Repository, opened

__all__ = ["Change", "Opened", "Repository", "opened", "propose"]
