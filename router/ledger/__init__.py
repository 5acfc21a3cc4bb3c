"""What happened, and what it cost: written down first, looked at later.

    Spool, in each worker -> segments in `spool/` -> the drainer, a process of its own -> `ledger.duckdb`

`spool.py` appends a line an attempt, which is all that a request waits for.
`segments.py` are the files of the spool and the states they go through.
`drain.py` moves segments into the ledger, each once, whoever is killed; `ingest.py` is its SQL.
`store.py` opens the ledger's file for as long as it is needed; `schema.py` says what stands in it.
"""
