"""Texts made of drawn records: find what is asked for, look it up, or give it in a form."""

import csv
import io
import json
import re
from random import Random
from typing import Any

import orjson

from router.learning.items.item import Item, about_number, fenced

FIRST = ("Nora", "Pavel", "Yusuf", "Greta", "Liam", "Sofia", "Henrik", "Amara", "Kenji", "Rosa")
LAST = ("Lindqvist", "Okafor", "Marek", "Tanaka", "Duarte", "Petit", "Novak", "Brandt")
CITIES = ("Turku", "Gdansk", "Leipzig", "Porto", "Graz", "Utrecht", "Cork", "Bergen")
GOODS = ("lamp", "desk", "kettle", "router", "chair", "scanner")


def _orders(random: Random, count: int) -> list[dict[str, Any]]:
    return [
        {
            "order": f"{random.choice('ABCDEFG')}{random.randint(100, 999)}",
            "name": f"{random.choice(FIRST)} {random.choice(LAST)}",
            "city": random.choice(CITIES),
            "item": random.choice(GOODS),
            "quantity": random.randint(1, 12),
        }
        for _ in range(count)
    ]


def _told(random: Random, row: dict[str, Any]) -> str:
    ways = (
        "{name} from {city} wrote about order {order}: {quantity} pieces, {item}.",
        "Order {order} ({item}, {quantity} of them) goes to {city}; the customer is {name}.",
        "We shipped {quantity} x {item} to {name} in {city}, reference {order}.",
    )
    return random.choice(ways).format(**row)


def extraction(random: Random, level: int) -> Item:
    """Records out of prose into JSON; more of them, and a condition, with the level."""
    rows = _orders(random, 2 * level)
    wanted = rows if level < 3 else [row for row in rows if row["quantity"] > 4]
    text = "\n".join(_told(random, row) for row in rows)
    which = "every order" if level < 3 else "every order of more than 4 pieces"
    keys = ("order", "city", "quantity") if level < 4 else tuple(rows[0])
    right = [{key: row[key] for key in keys} for row in wanted]
    prompt = (
        f"{text}\n\nExtract {which}, in the order of the text, as a JSON list of objects with the keys "
        f"{', '.join(keys)}. Quantities are numbers. Reply with the JSON alone."
    )
    answer = json.dumps(right)
    return Item(
        prompt=prompt, answer=answer, wrong="[]" if right else "[1]", check=lambda t: _json(t) == right
    )


def lookup(random: Random, level: int) -> Item:
    """A sum over the rows of a table that meet as many conditions as the level asks."""
    rows = _orders(random, 6 + 5 * level)
    city, item = rows[0]["city"], rows[0]["item"]
    table = "\n".join(f"| {' | '.join(str(value) for value in row.values())} |" for row in rows)
    head = "| order | name | city | item | quantity |\n|---|---|---|---|---|"
    if level == 1:
        asked = f"What is the quantity of order {rows[0]['order']}?"
        value = rows[0]["quantity"]
    elif level < 4:
        asked = f"How many pieces in all went to {city}?"
        value = sum(row["quantity"] for row in rows if row["city"] == city)
    else:
        asked = f"How many pieces in all went to cities other than {city}, not counting the item {item}?"
        value = sum(row["quantity"] for row in rows if row["city"] != city and row["item"] != item)
    return about_number(f"{head}\n{table}\n\n{asked}", value)


def formatted(random: Random, level: int) -> Item:
    """Given facts in an exact form: JSON, CSV with quoting, or codes that match a pattern."""
    rows = _orders(random, level + 1)
    if level <= 2:
        right: Any = {row["order"]: row["quantity"] for row in rows}
        facts = "; ".join(f"{row['order']} has {row['quantity']}" for row in rows)
        prompt = f"{facts}. Reply with one JSON object that maps each code to its number, and nothing else."
        return Item(prompt=prompt, answer=json.dumps(right), wrong="{}", check=lambda t: _json(t) == right)
    if level <= 4:
        lines = [["name", "note"], *([row["name"], f'{row["item"]}, "{row["city"]}"'] for row in rows)]
        facts = " ".join(f"{name}'s note reads: {note}." for name, note in lines[1:])
        prompt = (
            f"{facts} Reply with a CSV file (RFC 4180) with the columns name and note, a header line first, "
            "and nothing else. The full stop after each note is not part of it."
        )
        written = io.StringIO()
        csv.writer(written, lineterminator="\n").writerows(lines)
        return Item(
            prompt=prompt, answer=written.getvalue(), wrong="name,note", check=lambda t: _csv(t) == lines
        )
    codes = [f"{row['order'][0].lower()}-{row['order'][1:]}-{row['quantity']:02d}" for row in rows]
    facts = ", ".join(f"{row['order']} ({row['quantity']})" for row in rows)
    prompt = (
        f"Rewrite {facts} as codes: the letter in lower case, a hyphen, the three digits backwards, "
        "a hyphen, the number in brackets with two digits. One code a line, in this order, and nothing else."
    )
    turned = [f"{code[:2]}{code[2:5][::-1]}{code[5:]}" for code in codes]
    return Item(
        prompt=prompt,
        answer="\n".join(turned),
        wrong="\n".join(codes) if codes != turned else "none",
        check=lambda t: re.findall(r"[a-g]-\d{3}-\d\d", t) == turned,
    )


def _json(text: str) -> Any:
    try:
        return orjson.loads(fenced(text).strip())
    except orjson.JSONDecodeError:
        return None


def _csv(text: str) -> list[list[str]] | None:
    try:
        return [row for row in csv.reader(io.StringIO(fenced(text).strip()), strict=True) if row]
    except csv.Error:
        return None
