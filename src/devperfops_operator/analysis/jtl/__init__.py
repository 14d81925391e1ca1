"""Whole result files as arrays: one pass, memory by what differs in them and not by their rows.

    layout    which column is where, from the header
    split     the borders of a chunk's fields
    words     numbers and texts out of these borders, many at a time
    samples   a chunk's rows as arrays; what arrays cannot read goes by the rules of `wire.jtl`
    tally     sums by key, merged in any order
    summary   what is kept of a file or a piece of it
    report    the figures
    compare   the figures of two reports beside each other

Needs numpy (the extra `analysis`): nothing that the operator's process loads may import this package.
"""
