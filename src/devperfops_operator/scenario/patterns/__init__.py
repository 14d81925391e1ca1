"""Regular expressions of JSON Schema (ECMA-262): texts are made and checked by the same tree.

Nothing here backtracks: a hostile pattern costs a bounded number of steps, then it is called unusable.
"""

from devperfops_operator.scenario.patterns.make import text_of
from devperfops_operator.scenario.patterns.match import found_in

__all__ = ["found_in", "text_of"]
