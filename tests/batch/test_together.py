"""Group commit: what waits goes together, and nothing waits for company."""

import asyncio
from threading import Event

import pytest

from batch.together import MOST, Together
from router.errors import StoreAway


class Book:
    """Writes down what it is given, once it may; refuses some of it."""

    def __init__(self, *refused: int, error: type[Exception] = ValueError) -> None:
        self.may, self.groups = Event(), list[list[int]]()
        self.refused, self.error = refused, error

    def write(self, items):
        self.may.wait(20)
        self.groups.append(list(items))
        if any(item in self.refused for item in items):
            raise self.error
        return [item * 2 for item in items]


async def asked(together: Together, *items: int) -> list[asyncio.Future]:
    futures = [asyncio.ensure_future(together(item)) for item in items]
    await asyncio.sleep(0)
    return futures


async def test_what_waits_while_something_is_written_is_written_together():
    book = Book()
    together = Together(book.write)
    (first,) = await asked(together, 1)
    await asyncio.sleep(0)
    others = await asked(together, 2, 3, 4)
    book.may.set()

    assert await asyncio.gather(first, *others) == [2, 4, 6, 8]
    assert book.groups == [[1], [2, 3, 4]]
    await together.close()


async def test_no_transaction_has_more_than_so_many():
    book = Book()
    together = Together(book.write)
    futures = await asked(together, *range(2 * MOST + 5))
    book.may.set()

    await asyncio.gather(*futures)
    assert max(map(len, book.groups)) <= MOST
    assert [item for group in book.groups for item in group] == list(range(2 * MOST + 5))
    await together.close()


async def test_one_that_cannot_be_written_holds_up_no_other():
    book = Book(3)
    book.may.set()
    together = Together(book.write)

    told = await asyncio.gather(*await asked(together, 2, 3, 4), return_exceptions=True)

    assert (told[0], type(told[1]), told[2]) == (4, ValueError, 8)
    await together.close()


async def test_a_store_that_is_away_is_not_asked_for_each_of_them():
    book = Book(3, error=StoreAway)
    book.may.set()
    together = Together(book.write)

    told = await asyncio.gather(*await asked(together, 2, 3, 4), return_exceptions=True)

    assert {type(one) for one in told} == {StoreAway}
    assert len(book.groups) == 1
    await together.close()


async def test_what_was_asked_for_is_written_also_if_whoever_asked_is_cancelled():
    book = Book()
    together = Together(book.write)
    futures = await asked(together, 1, 2, 3)
    for future in futures:
        future.cancel()
    book.may.set()
    await together.close()

    assert sorted(item for group in book.groups for item in group) == [1, 2, 3]
    with pytest.raises(asyncio.CancelledError):
        await futures[0]
