"""`farthing explain`: a short name for `farthing policy explain`."""

from router.commands.policy.explain import command

__all__ = ["command"]
