"""What is learnt from own traffic, beside what was shipped.

Evidence comes from the ledger (`gather.py`):
users' outcomes, and what self-checks said, for as much as they are known to catch (`evidence.py`).
`effects.py` finds how far chances are off: everywhere, for each model, for each kind of request and policy,
and for each pair of these; `job.py` does so beside the drainer.
`folder.py` puts the result into the data folder, where every worker looks (`adapted.py`).
`watching.py` says when what was promised is not what came.

Nothing here runs on a request's path but `Adapted.predict`.
"""
