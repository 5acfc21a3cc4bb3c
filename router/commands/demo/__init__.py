"""`farthing demo`: simulated models behind the real server, and what routing made of two hundred prompts.

`prompts` are the prompts with their references, and `grading` compares answers with them.
`proxy` starts the server as its own process, and `client` asks it over HTTP.
`arms` asks everything once by `auto` and once by each model, `books` holds the server to what it said.
`figures` compares, `show` prints, `run` puts it together.
"""

from router.commands.demo.run import command

__all__ = ["command"]
