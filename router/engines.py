"""From the configuration's pools to engines: what is to be started, and what work that can wait may take."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from batch.engine import EngineSpec, default_executable, goes_by_priority
from batch.gate import Terms
from batch.pool import PoolSpec
from router.config import Config, OpenAIUpstream
from router.config.pools import Pool, window_of


def pool_specs(config: Config) -> Mapping[str, PoolSpec]:
    """Return, by upstream, the engines of one's own."""
    return {
        name: PoolSpec(
            terms=_terms(pool), metrics=f"{_root(row.base_url)}/metrics", kept=pool.serve is not None
        )
        for name, row, pool in _pools(config)
    }


def engine_specs(config: Config, environment: Mapping[str, str]) -> Mapping[str, EngineSpec]:
    """Return, by upstream, the engines that Farthing is to start and keep."""
    return {
        name: _engine(config, name, row, pool, environment)
        for name, row, pool in _pools(config)
        if pool.serve is not None
    }


def _pools(config: Config) -> list[tuple[str, OpenAIUpstream, Pool]]:
    return [
        (name, row, row.pool)
        for name, row in config.upstreams.items()
        if isinstance(row, OpenAIUpstream) and row.pool is not None
    ]


def _engine(
    config: Config, name: str, row: OpenAIUpstream, pool: Pool, environment: Mapping[str, str]
) -> EngineSpec:
    serve, url = pool.serve, urlsplit(row.base_url)
    assert serve is not None, "asked for what runs already"
    return EngineSpec(
        name=name,
        model=serve.model,
        host=url.hostname or "127.0.0.1",
        port=url.port or 8000,
        served_as=[model.upstream_name or model.name for model in config.models if model.upstream == name],
        flags=serve.flags,
        executable=serve.executable or default_executable(),
        environment={**environment, **serve.environment},
        idle=serve.idle_minutes * 60 if serve.idle_minutes is not None else None,
        start_within=serve.start_seconds,
    )


def _terms(pool: Pool) -> Terms:
    return Terms(
        most=pool.most,
        beside_interactive=pool.beside_interactive,
        priority=pool.priority or (pool.serve is not None and goes_by_priority(pool.serve.flags)),
        windows=[window_of(text) for text in pool.windows],
    )


def _root(base_url: str) -> str:
    return base_url.rstrip("/").removesuffix("/v1")
