"""Runs measured by several machines: groups of cells go to workers of Dask, results come back as text.

    run folder ─▶ groups (one server each) ─▶ scheduler ─▶ worker ─▶ its own lab
    run folder ◀─ journal lines and evidence ◀──────────────┘

A group and what it came to are JSON (``wire``); no object of ours goes over the network. Dask itself
pickles: so every connection is TLS with certificates of one authority on both sides, and whoever has such a
certificate can run programs as the user of every worker (docs/cluster.md). ``distributed`` is an optional
dependency: what imports it is imported where it is used alone (``driver``, ``elsewhere``, ``scheduler``,
``worker``).
"""
