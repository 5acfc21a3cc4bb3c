"""Was it the model that was asked for? Names as upstreams write them, compared."""

import re

from router.types import Model

DATED = re.compile(r"[-@](?:\d{8}|\d{6}|\d{4}|\d{4}-\d{2}-\d{2})$")


def is_substitute(model: Model, served: str | None) -> bool:
    """Tell whether `served` names another model than `model`.

    An organisation in front (`Qwen/…`) and a release date behind (`…-2026-06-01`) make no other model;
    a size, a tag or a quantisation does.
    An upstream that does not say what it served cannot be caught here.
    """
    if not served or served == model.upstream_name:
        return False
    known = {_plain(name) for name in (model.upstream_name, model.name, *model.served_as)}
    return _plain(served) not in known


def _plain(name: str) -> str:
    return DATED.sub("", name.casefold().rsplit("/", 1)[-1])
