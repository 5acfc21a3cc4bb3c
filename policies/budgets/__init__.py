"""What may be spent: the most a call can cost is held back before it, and what it did cost is booked after.

`windows` says when a budget begins anew, `worst` what a call can cost at most.
`rules` are the budgets that apply, and `keeper` keeps each request's purse on counters:
`memory` (one process), `leases` (the processes of one machine) or `redis` (many machines).
"""
