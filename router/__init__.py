"""The proxy: one request in, one outcome out.

Rules refuse, strategies order, evaluators judge, the ledger remembers.
A request becomes an outcome by one loop in one file (`pipeline.py`),
and every attempt becomes one ledger row, whatever happens.
Parts know the vocabulary (`types`, `seams.py`); only `app.py` knows the parts.

Read in this order: `types`, `seams`, `pipeline`, `gate`, `policies/cheapest_adequate`,
`evaluators/shape`, `ledger/spool`, `server`, `app`.
"""
