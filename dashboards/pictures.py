"""Charts: Vega-Lite specifications into pictures, offline; the one door to vl-convert.

A specification names its data `table` and draws nothing it loads from anywhere.
The page draws the same specifications with the same Vega, whose JavaScript is in the same package.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import Any, TypeAlias

import vl_convert

from dashboards.inks import theme
from router.errors import FarthingError

Spec: TypeAlias = Mapping[str, Any]
Rows: TypeAlias = Sequence[Mapping[str, object]]


class BadChart(FarthingError):
    """A specification cannot be drawn."""


class Form(StrEnum):
    """What a picture is written as."""

    PNG = "png"
    SVG = "svg"


def draw(spec: Spec, rows: Rows, form: Form = Form.SVG, *, dark: bool = False, scale: float = 2.0) -> bytes:
    """Draw `rows` as `spec` says; `scale` is how many of a PNG's pixels are one of the chart's.

    Raises `BadChart`.
    """
    refuse_loading(spec)
    whole = {**spec, "datasets": {**spec.get("datasets", {}), "table": list(rows)}}
    options: dict[str, Any] = {"config": theme(dark=dark), "allowed_base_urls": []}
    try:
        if form is Form.PNG:
            return vl_convert.vegalite_to_png(whole, scale=scale, **options)
        return vl_convert.vegalite_to_svg(whole, **options).encode()
    except (ValueError, TypeError) as error:
        raise BadChart(f"The chart cannot be drawn: {str(error).strip().splitlines()[0][:300]}") from error


def refuse_loading(spec: object) -> None:
    """Raise `BadChart` for a specification that names a URL: neither a file nor a server is to be asked."""
    if isinstance(spec, Mapping):
        if "url" in spec:
            raise BadChart("The chart cannot be drawn: it names a URL, and charts load nothing.")
        for part in spec.values():
            refuse_loading(part)
    elif isinstance(spec, list | tuple):
        for part in spec:
            refuse_loading(part)


def form_of(path: Path) -> Form:
    """Tell a picture's form by its file's name; raises `BadChart`."""
    try:
        return Form(path.suffix.lower().removeprefix("."))
    except ValueError:
        raise BadChart(f"{path.name[:80]!r} is no picture: write a name ending in .png or .svg.") from None


def javascript() -> str:
    """Give Vega, Vega-Lite and Vega-Embed as one script that sets `window.vegaEmbed`; takes two seconds."""
    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed; window.vega = vega;")


def version() -> str:
    """Name the bundle, so that it may be kept for as long as the package stays."""
    return metadata.version("vl-convert-python")
