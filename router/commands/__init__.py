"""One file a command; each exposes a click command named `command`."""
