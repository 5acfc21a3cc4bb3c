"""What is known of models and providers, and what their tokens cost.

`money` turns decimals into picodollars (what a call costs says `router.pricing`).
`facts` (our own list of open-weight models), `providers` (who serves them, and where) and `pricemap`
(litellm's list, read as data) are what can be looked up; `knowledge` puts the three together and fills in
what a configured model leaves out.
`catalog` is the list of models a running Farthing serves; `listing` shows one of them to a client.
`discovery` finds engines on this machine, `offers` asks providers what they serve and at what price.
"""

from router.catalog.catalog import Catalog
from router.catalog.knowledge import Knowledge
from router.catalog.listing import chooser, listing

__all__ = ["Catalog", "Knowledge", "chooser", "listing"]
