"""Names of models, as many as there are ways to write one, brought to one key."""

import re
from collections.abc import Iterable, Mapping

_PARTS = re.compile(r"[a-z]+|\d+(?:\.\d+)?")
_DATE = re.compile(r"[-@]?(?:20)\d\d-?[01]\d(?:-?[0-3]\d)?(?!\d)|-[01]\d[0-3]\d(?!\d)")
_SIZE = re.compile(r"(?<![\d.a-z])(?:(\d+)x)?(\d+(?:\.\d+)?)b(?![a-z])")
_ACTIVE = re.compile(r"(?<![a-z])a(\d+(?:\.\d+)?)b(?![a-z])")

_PACKED = re.compile(
    r"[-_:](?:i?q\d\w*|fp\d+|bf16|int\d+|w\d+a\d+|\d+bit|awq|gptq|gguf|mlx|latest|free|turbo-free)(?=[-_:]|$)"
)
_DASHED = re.compile(r"(?<=[a-z]-)(\d)-(\d)(?=-|$)")

INSTRUCT = frozenset({"instruct", "chat", "it"})
NOISE = frozenset(
    {
        "meta",
        "hf",
        "gguf",
        "awq",
        "gptq",
        "mlx",
        "bf",
        "fp",
        "int",
        "bit",
        "latest",
        "free",
        "q",
        "k",
        "m",
        "s",
    }
)
"""Parts that say how a model is packed or sold, not which it is."""


def spellings(name: str) -> tuple[str, ...]:
    """Return the keys under which a model of this name may be known, the most exact first."""
    tail = name.lower().rpartition("/")[2]
    bare = _DASHED.sub(r"\1.\2", _PACKED.sub("", tail))
    undated = _DATE.sub("", bare)
    keys = [f"={tail}"]
    for text in (bare, undated):
        parts = _parts(text)
        wanted = [part for part in parts if part not in INSTRUCT]
        tuned = len(wanted) < len(parts) or ":" in name
        short = _without_version(wanted)
        for key in (wanted, short):
            joined = "-".join(key)
            keys.extend((f"+{joined}", f"-{joined}") if tuned else (f"-{joined}", f"+{joined}"))
    return tuple(dict.fromkeys(keys))


def index(names: Iterable[tuple[str, bool]], *, narrow: frozenset[str] = frozenset()) -> dict[str, int]:
    """Map keys to positions of (name, whether tuned to follow instructions); the first name gets a key.

    Names in `narrow` get none.
    """
    found: dict[str, int] = {}
    listed = [(position, *row) for position, row in enumerate(names) if row[0] not in narrow]
    for exact in (True, False):
        for position, name, tuned in listed:
            sign = "+" if tuned else "-"
            keys = [key for key in spellings(name) if key[0] in {"=", sign}]
            for key in keys[:1] if exact else keys[1:]:
                found.setdefault(key, position)
    return found


def match(names: Iterable[str], keys: Mapping[str, int]) -> int | None:
    """Return the position of the first of these names that is known, `None` if none is."""
    for name in names:
        for key in spellings(name):
            if key in keys:
                return keys[key]
    return None


def sizes(name: str) -> tuple[float | None, float | None]:
    """Read (parameters, active parameters) in billions off a name such as qwen3-30b-a3b or mixtral-8x7b."""
    text = name.lower().rpartition("/")[2]
    active = _ACTIVE.search(text)
    whole = _SIZE.search(_ACTIVE.sub("", text))
    if whole is None:
        return None, float(active[1]) if active else None
    experts, size = whole[1], float(whole[2])
    if experts:
        # Experts share their attention layers: 8x7b has 47 billion parameters, 13 of them active.
        return int(experts) * size * 0.83, 2 * size * 0.92
    return size, float(active[1]) if active else None


def lineage(name: str) -> str:
    """Return the family's name without its version: qwen for Qwen/Qwen2.5-72B-Instruct."""
    parts = _parts(name.lower().rpartition("/")[2])
    return parts[0] if parts else ""


def _parts(text: str) -> list[str]:
    parts = [part for part in _PARTS.findall(text.replace("_", "-")) if part not in NOISE]
    if "turbo" in parts and "gpt" not in parts:
        parts.remove("turbo")  # a hoster's word for its own quantisation
    return parts


def _without_version(parts: list[str]) -> list[str]:
    if "v" in parts[:-1]:
        at = parts.index("v")
        if at > 0 and parts[at - 1] != "deepseek":
            return parts[:at] + parts[at + 2 :]
    return parts
