"""What a request that walks through many services takes, and how often it fails.

Times are whole microseconds, shares whole numbers of 10^-12: sums are exact, and the order in which a graph
is written changes nothing. `bounds` proves, `grid` and `estimate` estimate, `availability` does both for
failures.
"""
