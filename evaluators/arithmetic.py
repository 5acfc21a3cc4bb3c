"""Are the sums right that the answer writes out?

Recomputes equations of plain numbers ("12 * 13 = 146", "20% of 50 is 10") and conversions of common units
("5 km = 500 m").
Cost class: free.
Limits: made to be believed when it fails, so it looks away whenever an equation might be a part of a longer
one, an approximation, another base or modulus, a supposition, or a quoted mistake.
A right sum of wrong numbers passes.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

from evaluators.fences import Fences
from evaluators.text import Scan, TextCheck
from router.types import Request

MOST = 300
"""Equations of one answer that are recomputed."""

LONGEST_LINE = 1_000

_N = r"[$\u20ac\u00a3]?(?:\d{1,3}(?:,\d{3}){1,4}|\d{1,12})(?:\.\d{1,8})?"

EQUATION = re.compile(
    rf"(?<![\w.,$\u20ac\u00a3%)\]}}^*/+\u00d7\u00b7\u00f7\u2212-])"
    rf"(?P<left>{_N}(?:\ ?[-+*/\u00d7\u00b7\u00f7\u2212]\ ?{_N}){{1,8}})\ ?=\ ?(?P<right>-?{_N})"
    r"(?![\w,.]?\ ?\d|\ ?x\ ?[$\d]|\.\.\.|\u2026|\ ?[-+*/^!%\u00d7\u00b7\u00f7\u2212(\\{_'\u00b0]|[A-Za-z])"
)

PERCENT = re.compile(
    rf"(?<![\w.,^*/+-])(?P<share>\d{{1,3}}(?:\.\d{{1,4}})?)\ ?%\ of\ (?P<of>{_N})"
    rf"\ (?:is|=|equals)\ (?P<right>{_N})"
    r"(?![\w,.]?\ ?\d|\ ?[x\u00d7]\ ?[$\d]|\.\.\.|\u2026|\ ?[-+*/^!%(\\]|[A-Za-z])"
)

UNITS: Mapping[str, tuple[str, Fraction]] = MappingProxyType(
    {
        name: (kind, Fraction(size))
        for kind, sizes in {
            "length": {
                "mm": "1/1000",
                "cm": "1/100",
                "m": "1",
                "meters": "1",
                "metres": "1",
                "km": "1000",
                "kilometers": "1000",
                "kilometres": "1000",
                "inches": "254/10000",
                "feet": "3048/10000",
                "yards": "9144/10000",
                "miles": "1609344/1000",
            },
            "mass": {"mg": "1/1000", "g": "1", "grams": "1", "kg": "1000", "kilograms": "1000"},
            "time": {
                "seconds": "1",
                "minutes": "60",
                "minute": "60",
                "hours": "3600",
                "hour": "3600",
                "days": "86400",
                "day": "86400",
                "weeks": "604800",
                "week": "604800",
            },
            "volume": {"ml": "1/1000", "mL": "1/1000", "liters": "1", "litres": "1", "L": "1"},
        }.items()
        for name, size in sizes.items()
    }
)

_U = "|".join(sorted(UNITS, key=len, reverse=True))

CONVERSION = re.compile(
    rf"(?<![\w.,$^*/+\u00d7\u00b7=(-])(?<![*/+x\u00d7=-]\ )(?P<left>{_N})\ ?(?P<from>{_U})"
    rf"\ ?=\ ?(?P<right>{_N})\ ?(?P<to>{_U})\b"
    r"(?!\ ?(?:[-+*/^\u00b2\u00b3\u00d7\d]|per|and))"
)

BOUND = re.compile(rf"(?:\b(?:{_U}|and)|,)\s*$")
"""What makes a quantity a part of a longer one: "1 hour 12 minutes"."""

FAR_OFF = Fraction(1, 20)
"""A conversion that is out by more than this is a slip, by less a rounding."""

OFF = Fraction(1, 100)
"""The same for whatever has decimals or a division in it; sums of whole numbers are exact."""

UNSURE = re.compile(
    r"\b(?:wrong|incorrect\w*|mistak\w*|error|not|n't|never|suppose\w*|if|assum\w*|would|should|instead|remainder|mod|"
    r"modulo|base|binary|hex\w*|octal|about|approx\w*|rounded?|roughly|nearly|clock|false|claim\w*|wait|"
    r"contradict\w*|impossible|guess|try|remaining|remain|quotient|r)\b"
    r"|[\u2248\u2260\u2261~?\u221a]|!=|==|\\(?:approx|neq|equiv|pmod|bmod|frac|sqrt|div|times|cdot)|//|\bdiv\b",
    re.IGNORECASE,
)

ELSEWHERE = (" mod ", "modul", "binary", "octal", " base ", "hexadecimal", "radix", "clock", "numeral")
"""Words in a request whose answer may count otherwise."""

_OPERATOR = re.compile(r"\ ?([-+*/\u00d7\u00b7\u00f7\u2212])\ ?")
_SIGNS: Mapping[str, str] = {"\u00d7": "*", "\u00b7": "*", "\u00f7": "/", "\u2212": "-"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arithmetic(TextCheck):
    """Fails an answer with a sum that is certainly wrong."""

    name = "arithmetic"

    def scan(self, request: Request) -> Scan:
        asked = request.turns[-1].text[-2_000:].lower() if request.turns else ""
        elsewhere = any(word in asked for word in ELSEWHERE)
        return _Nothing() if elsewhere else _Scan()


class _Nothing:
    """Where numbers may mean something else."""

    def feed(self, _text: str, /) -> str | None:
        return None

    def end(self) -> str | None:
        return None


class _Scan:
    """Reads line after line of prose, each when it is whole."""

    def __init__(self) -> None:
        self._fences, self._line, self._left = Fences(), "", MOST

    def feed(self, text: str, /) -> str | None:
        return self._prose("".join(p.text for p in self._fences.feed(text) if p.language is None))

    def end(self) -> str | None:
        prose = "".join(p.text for p in self._fences.end() if p.language is None)
        return self._prose(prose + "\n")

    def _prose(self, prose: str) -> str | None:
        if "\n" not in prose:
            self._line += prose[: LONGEST_LINE - len(self._line)]
            return None
        first, *others = prose.split("\n")
        lines = [self._line + first[: LONGEST_LINE - len(self._line)], *others]
        self._line = lines.pop()[:LONGEST_LINE]
        for line in lines:
            if ("=" in line or "%" in line) and self._left > 0:
                reason = self._wrong(line[:LONGEST_LINE])
                if reason is not None:
                    return reason
        return None

    def _wrong(self, line: str) -> str | None:
        slips = list(self._slips(line))
        return slips[0] if slips and not UNSURE.search(line) else None

    def _slips(self, line: str) -> Iterator[str]:
        for found in EQUATION.finditer(line):
            self._left -= 1
            if not _alone(line, found.start()):
                continue
            value = _value(found["left"])
            if value is not None and not _near(value, found["right"], division="/" in _plain(found["left"])):
                yield "a sum that is wrong"
        for found in PERCENT.finditer(line):
            self._left -= 1
            value = _number(found["share"]) * _number(found["of"]) / 100
            if not _near(value, found["right"], division=True):
                yield "a percentage that is wrong"
        for found in CONVERSION.finditer(line):
            self._left -= 1
            if BOUND.search(line[: found.start()]):
                continue
            kind, size = UNITS[found["from"]]
            other, unit = UNITS[found["to"]]
            left, right = _number(found["left"]) * size, _number(found["right"]) * unit
            if kind == other and left and abs(left - right) > FAR_OFF * left:
                yield "a conversion of units that is wrong"


def _alone(line: str, start: int) -> bool:
    """Tell whether the equation begins where it seems to: no operator, letter or bracket binds its start."""
    before = line[:start].rstrip()
    if not before:
        return True
    last = before[-1]
    if last in "=:;,(\"'$":
        return last != "(" or before[:-1].rstrip()[-1:] not in set("0123456789)")
    word = re.search(r"[A-Za-z]+$", before)
    return word is not None and len(word[0]) > 1


def _plain(expression: str) -> str:
    return "".join(_SIGNS.get(sign, sign) for sign in expression)


def _number(text: str) -> Fraction:
    return Fraction(text.replace(",", "").lstrip("$\u20ac\u00a3"))


def _value(expression: str) -> Fraction | None:
    """Compute a chain of numbers; products before sums; `None` for a division by zero."""
    first, *rest = _OPERATOR.split(expression)
    terms = [_number(first)]
    for sign, written in zip(rest[::2], rest[1::2], strict=True):
        operator, number = _SIGNS.get(sign, sign), _number(written)
        if operator in "+-":
            terms.append(number if operator == "+" else -number)
        elif operator == "*":
            terms[-1] *= number
        elif number:
            terms[-1] /= number
        else:
            return None
    return sum(terms, Fraction(0))


def _near(value: Fraction, written: str, *, division: bool) -> bool:
    """Tell whether `written` is the value, cut or rounded to the places it shows."""
    sign = -1 if written.startswith("-") else 1
    stated = sign * _number(written.lstrip("-"))
    places = len(written.partition(".")[2])
    off = abs(value - stated)
    if not division and places == 0 and value.denominator == 1:
        return off == 0
    return off <= max(Fraction(1, 10**places), OFF * abs(value))
