"""Who may ask: keys, by the digest of their secrets.

`key` is one key, `ring` all there are, and `store` where those are kept that the command line makes.
"""

from router.keys.key import PREFIX, Key, digest_of, new_secret
from router.keys.ring import Admitted, Ring
from router.keys.store import KeyStore

__all__ = ["PREFIX", "Admitted", "Key", "KeyStore", "Ring", "digest_of", "new_secret"]
