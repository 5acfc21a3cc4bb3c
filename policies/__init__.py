"""Which model to try, and which never to.

Rules say why a model may not serve a request; a strategy puts the rest in order, as a generator without I/O.
"""
