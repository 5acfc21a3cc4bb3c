"""A recorded run: mixed traffic through the real pipeline on simulated models, and its rows."""

import asyncio
import random
from dataclasses import replace

import orjson

from router.app import Household, Parts
from router.config import parse
from router.dialects import DIALECTS
from router.types import Principal
from tests.support.world import Book

CONFIG = """
upstreams:
  sim: {kind: simulated, first_token_ms: 0, tokens_per_second: 1.0e+9}
  off: {kind: simulated, first_token_ms: 0, tokens_per_second: 1.0e+9}
models:
  - {name: tiny, upstream: sim, price: {input: 0.02, output: 0.05}, params_b: 1.5, context_window: 4096,
     simulated: {ability: -1.5, refusal_rate: 0.2, empty_rate: 0.2, malformed_rate: 0.3}}
  - {name: small, upstream: sim, price: {input: 0.05, output: 0.20}, params_b: 8, context_window: 32768,
     capabilities: [tools, json_object, json_schema], family: x,
     simulated: {ability: 0, refusal_rate: 0.1, empty_rate: 0.2, cut_rate: 0.1, error_rate: 0.02}}
  - {name: shaky, upstream: off, price: {input: 0.06, output: 0.20}, params_b: 32, context_window: 32768,
     capabilities: [tools], simulated: {ability: 0.8, error_rate: 0.6}}
  - {name: large, upstream: sim, price: {input: 0.5, output: 2}, params_b: 70, context_window: 131072,
     capabilities: [tools, json_object, json_schema], simulated: {ability: 1.5}}
  - {name: huge, upstream: sim, price: {input: 2, output: 6}, params_b: 400, context_window: 131072,
     capabilities: [tools, json_object, json_schema], simulated: {ability: 3}}
policies:
  default: {}
  titles: {when: {role: housekeeping}, models: [tiny, small], quality: 0.5}
  german: {when: {language: de, not: {tools: true}}, strategy: cascade, models: [small, large, huge]}
  blue: {when: {header: {x-team: blue}}, extends: quality-first}
  long: {when: {prompt_tokens: {at_least: 600}}, quality: 0.95}
  hard:
    when: {best_chance: {below: 0.6}}
    models: [large, huge]
    strategy: weighted
    weights: {large: 3, huge: 1}
  fast: {extends: latency-first, max_first_token_ms: 5000, deadline_ms: 60000}
  home: {prefer: {local: true}, models: [tiny, small, large]}
  canary: {strategy: weighted, weights: {small: 9, large: 1}}
  watched: {control: {share: 0.2}}
aliases: {"claude-haiku-*": auto:titles, "claude-*": auto}
"""

ASKED = ["auto"] * 8 + [
    "auto:fast",
    "auto:home",
    "auto:canary",
    "auto:watched",
    "claude-haiku-4",
    "claude-opus-5",
    "small",
    "shaky",
]

TEXTS = [
    "What is {} + 17?",
    "Write a Python function that returns the {}th prime and explain its complexity.",
    "Was kostet eine Fahrkarte von Bonn nach Ulm im Jahr {} und wie lange dauert das?",
    "Summarise the history of the city with postal code {} in two sentences.",
    "Prove that there are infinitely many primes congruent to {} modulo 4, in full rigour, step by step.",
    "Generate a concise, 3-5 word title for chat {}",
]


def body(draw: random.Random) -> dict:
    text = draw.choice(TEXTS).format(draw.randrange(10_000))
    if draw.random() < 0.1:
        text += " word" * draw.randrange(2000)
    made = {"model": draw.choice(ASKED), "messages": [{"role": "user", "content": text}]}
    if draw.random() < 0.2:
        made["tools"] = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
    if draw.random() < 0.1:
        made["response_format"] = {"type": "json_object"}
    if draw.random() < 0.2:
        made["max_tokens"] = draw.randrange(20, 400)
    if draw.random() < 0.1:
        made["temperature"] = 0
    return made


async def record(parts: Parts, count: int, seed: int = 1) -> list:
    """Send `count` requests through the pipeline, eight at a time, and give their rows."""
    draw, book = random.Random(seed), Book()
    house = Household(parse(CONFIG, environ={}), replace(parts, sinks=[book]))

    async def one(number: int) -> None:
        headers = {"x-team": "blue"} if draw.random() < 0.1 else {}
        who = Principal(key=draw.choice(["a", "b"]), session=draw.choice([None, f"s{number % 50}"]))
        made = DIALECTS["chat"].parse(orjson.dumps(body(draw)), request_id=f"r{number:05}", principal=who)
        made = replace(made, labels=house.labels(made, headers))
        await house.pipeline.run(made, house.policy(made.asked))

    for begin in range(0, count, 8):
        await asyncio.gather(*(one(number) for number in range(begin, min(begin + 8, count))))
    return book.rows
