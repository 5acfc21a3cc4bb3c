"""What it cost, and what it saved.

`reports.py` runs the files of SQL in `reports/` on the ledger and gives back tables;
`render.py` shows a table to people and to programs.
`metrics.py` counts for Prometheus; `page.py` is the reports in a browser.
"""
