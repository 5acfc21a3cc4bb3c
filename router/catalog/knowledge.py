"""Fills in what a configured model leaves out, from all that can be looked up."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache

from router.catalog.claims import ProviderClaims
from router.catalog.facts import Facts, ModelFacts
from router.catalog.pricemap import Known, PriceMap
from router.catalog.providers import WEIGHTS_ALONE, Provider, Providers
from router.types import Capability, Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """Our facts, the table of providers, litellm's list and what providers claim, read once at start-up."""

    facts: Facts
    providers: Providers
    prices: PriceMap
    claims: ProviderClaims = field(default_factory=ProviderClaims.load)

    @classmethod
    @cache
    def load(cls) -> "Knowledge":
        """Read all of them: once a process, or once for several if they are forked afterwards."""
        return cls(facts=Facts.load(), providers=Providers.load(), prices=PriceMap.load())

    def complete(self, model: Model) -> Model:
        """Return `model` with what it leaves out filled in; what it says is never changed.

        Prices are those of its provider, and only for a provider that takes money:
        one's own machine costs what the configuration says, else the model stays unpriced.
        The context window is the provider's, else the engine's usual one, else what the weights
        were made for.
        Capabilities are the provider's where its list states any; else those of the weights that the provider
        lets pass, and what it adds. What nobody states stays `None`.
        """
        facts = self.facts.find(model.upstream_name) or self.facts.find(model.name)
        provider = self.providers.get(model.provider)
        known = self.known(model.provider, model.upstream_name)
        window = (known and known.context_window) or _window(facts, provider)
        return replace(
            model,
            prices=model.prices or (known.prices if known else None),
            context_window=model.context_window or window,
            max_output=model.max_output or (known.max_output if known else None),
            capabilities=model.capabilities or _capabilities(facts, provider, known),
            family=model.family or (facts.family if facts else None),
            params_b=model.params_b or (facts.params_b if facts else None),
            active_params_b=model.active_params_b or (facts.active_params_b if facts else None),
            serves=model.serves or (known.serves if known else None),
            open_weight=(True if facts else None) if model.open_weight is None else model.open_weight,
            facts=self.claims.facts(model, facts),
        )

    def known(self, provider: str | None, upstream_name: str) -> Known | None:
        """Return what the lists say of a model at a provider that takes money, or `None`."""
        row = self.providers.get(provider)
        if row is None:
            return self.prices.find(provider, upstream_name)
        if row.local:
            return None
        return self.prices.find(row.litellm, upstream_name) or dict(row.offers).get(upstream_name)

    def offers(self, provider: Provider) -> Iterator[tuple[str, Known]]:
        """Yield every model the lists know at a hosted provider, by the name the provider takes."""
        yield from provider.offers
        if provider.litellm is not None:
            for name, known in self.prices.of_provider(provider.litellm):
                if not provider.serves or name in provider.serves:
                    yield name, known


def _window(facts: ModelFacts | None, provider: Provider | None) -> int | None:
    if provider is not None and provider.local:
        # How the engine was started decides, not what the weights were made for; Ollama cuts in silence.
        return provider.window
    return facts.context_window if facts else None


def _capabilities(
    facts: ModelFacts | None, provider: Provider | None, known: Known | None
) -> frozenset[Capability]:
    if known is not None and known.capabilities is not None:
        return known.capabilities
    of_weights = facts.capabilities if facts else frozenset()
    if provider is None:
        return of_weights
    return (of_weights & provider.can) | (provider.can - WEIGHTS_ALONE)
