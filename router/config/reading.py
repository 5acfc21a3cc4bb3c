"""A file becomes a `Config`, or one `ConfigError` that lists everything wrong with it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path as File
from typing import Any, TypeAlias

from pydantic import ValidationError

from router.config.document import Document, read
from router.config.policing import doubts
from router.config.problems import ConfigProblems, Path, Problem, spelled, told
from router.config.settings import CONTRADICTION, Config
from router.config.shape import misfits
from router.errors import ConfigError
from router.seams import EvaluatorMaker
from router.types import Model

Complete: TypeAlias = Callable[[Model], Model]


def parse(
    text: str,
    *,
    file: str = "<config>",
    environ: Mapping[str, str],
    known_checks: Mapping[str, EvaluatorMaker] | None = None,
    complete: Complete | None = None,
) -> Config:
    """Read a configuration; raise `ConfigError` with a line for each problem.

    `environ` is what `${NAME}` refers to; `known_checks` are the makers of those a policy may list
    (`None`: any check is taken); `complete` adds to a model what is known of it
    (`None`: nobody asks whether any can serve a policy).
    """
    document = read(text, file=file, environ=environ)
    problems = [*document.problems, *_without(document.problems, misfits(document.value, _SCHEMA, _SCHEMA))]
    config = None
    try:
        config = Config.model_validate(
            document.value, context={"known_checks": known_checks, "complete": complete}
        )
    except ValidationError as error:
        problems += _without(problems, _refused(error, document.value))
    if problems:
        raise ConfigProblems(_placed(problems, document), file=file)
    assert config is not None, "what pydantic refuses is a problem"
    return config


def load(
    path: File,
    *,
    environ: Mapping[str, str],
    known_checks: Mapping[str, EvaluatorMaker] | None = None,
    complete: Complete | None = None,
) -> Config:
    """Read a file as `parse` does; relative paths are taken from its folder."""
    config = parse(
        text_of(path), file=str(path), environ=environ, known_checks=known_checks, complete=complete
    )
    return config.beside(path.parent)


def text_of(path: File) -> str:
    """Read a file's text; raise `ConfigError` if there is none."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError("the file is not UTF-8", file=str(path), line=line) from None
    except FileNotFoundError:
        raise ConfigError("there is no such file", file=str(path)) from None
    except OSError as error:
        raise ConfigError(f"the file cannot be read: {error.strerror}", file=str(path)) from None


_SCHEMA = Config.model_json_schema()


def _placed(problems: Sequence[Problem], document: Document) -> Iterator[tuple[Any, str]]:
    for problem in problems:
        at = spelled(problem.path)
        yield document.mark(problem), f"{at}: {problem.message}" if at else problem.message


def _without(known: Sequence[Problem], more: Iterable[Problem]) -> Iterator[Problem]:
    """Leave out what only repeats a problem at the same setting, or at one around it."""
    paths = {problem.path for problem in known}
    for problem in more:
        if not any(problem.path[:length] in paths for length in range(len(problem.path) + 1)):
            yield problem


def _refused(error: ValidationError, value: Any) -> Iterator[Problem]:
    for detail in _telling(error.errors(include_url=False, include_input=False)):
        context = detail.get("ctx", {})
        if detail["type"] == CONTRADICTION:
            yield from context["found"]
            continue
        location = detail["loc"]
        path = _in_document(location, value)
        if detail["type"].startswith("union_tag"):
            path = (*path, context["discriminator"].strip("'"))
        if detail["type"] in {"missing", "extra_forbidden"} and path[-1:] != location[-1:]:
            path = (*path, location[-1])
        yield Problem(path=path, message=told(detail))


def _telling(details: Sequence[Any]) -> Iterator[Any]:
    """Leave out the branches of a union that were not meant, where another says what is wrong."""
    places = [detail["loc"][:-1] for detail in details]
    for detail in details:
        place = detail["loc"][:-1]
        wrong_branch = detail["type"].endswith("_type") and len(places) > 1
        if not wrong_branch or not any(other != place and other[: len(place)] == place for other in places):
            yield detail


def _in_document(location: tuple[str | int, ...], value: Any) -> Path:
    """Translate pydantic's location: it has the kind of an upstream, and branches of unions, as steps too."""
    path: Path = ()
    tagged = False
    for step in location:
        if isinstance(value, dict) and not tagged and step == value.get("kind"):
            tagged = True
            continue
        inside = step in value if isinstance(value, dict) else _holds(value, step)
        if not inside:
            break
        path, value, tagged = (*path, step), value[step], False
    return path


def _holds(value: Any, step: str | int) -> bool:
    return isinstance(value, list) and isinstance(step, int) and step < len(value)


def doubtful(
    text: str, config: Config, *, file: str, environ: Mapping[str, str], complete: Complete, today: date
) -> list[str]:
    """List what a right configuration leaves in doubt today, each with its place."""
    document = read(text, file=file, environ=environ)
    found = doubts(config, complete=complete, today=today)
    placed = sorted(_placed(list(found), document))
    return [f"{file}:{at.line}:{at.column}: {said}" for at, said in placed]
