"""How a test asks a check for its verdict."""

from dataclasses import dataclass, field

from router.types import Choice, Delta, Reply
from tests.support.world import request


@dataclass
class Answers:
    """An `Ask` that gives one answer after another, or raises them; the last is repeated."""

    answers: list
    model: str = "small"
    asked: list = field(default_factory=list)

    async def __call__(self, model, question, /):
        self.asked.append((model, question))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Reply) else said(answer)


def said(text="", **choice):
    return Reply(choices=(Choice(text=text, finish_reason="stop", **choice),))


async def verdict(check, text, *, to="What is it?", ask=None, **choice):
    asked = request(to) if isinstance(to, str) else to
    return await check.judge(asked, said(text, **choice), ask or Answers([""]))


async def passes(check, text, **given):
    return (await verdict(check, text, **given)).passed


def seen(check, *texts, to="What is it?"):
    """How many pieces a watch takes until it fails them; `None` if it does not."""
    watch = check.watch(request(to))
    for count, text in enumerate(texts, start=1):
        if watch.feed((Delta(text=text),)) is not None:
            return count
    return None
