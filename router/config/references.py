"""`${NAME}` in a text stands for a variable of the environment; the only place that looks there."""

import os
import re
from collections.abc import Mapping

REFERENCE = re.compile(
    r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^{}]*))?\}|\$\{", re.ASCII
)


class FromEnvironment(str):
    """Text that came out of the environment: never shown, and read as a number where one is wanted."""

    __slots__ = ()


class Unknown(FromEnvironment):
    """Stands where a value could not be made out, which has been reported already."""

    __slots__ = ()


def environment() -> Mapping[str, str]:
    """Read the environment of this process; everything else is handed what it needs of it."""
    return dict(os.environ)  # noqa: TID251 - the one reader


def expand(text: str, environ: Mapping[str, str]) -> str:
    """Put in what `${NAME}` and `${NAME:-default}` stand for, and `${` for `$${`.

    The default is for a variable that is missing or empty.
    Raise `ValueError` with what is wrong if there is no such variable, or if a reference is malformed.
    """
    if "${" not in text:
        return text
    wrong: list[str] = []
    used = False

    def value(match: re.Match[str]) -> str:
        nonlocal used
        name, default = match["name"], match["default"]
        if match[0] == "$${":
            return "${"
        used = True
        if name is None:
            wrong.append("a reference is written ${NAME} or ${NAME:-default}, and '$${' is a plain '${'")
        elif default is None and name not in environ:
            wrong.append(f"the environment has no {name}: set it, or write ${{{name}:-default}}")
        else:
            return (environ.get(name) or default) if default is not None else environ[name]
        return ""

    expanded = REFERENCE.sub(value, text)
    if wrong:
        raise ValueError("; ".join(dict.fromkeys(wrong)))
    return FromEnvironment(expanded) if used else expanded
