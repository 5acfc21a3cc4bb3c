"""Ways to reach models: any OpenAI-compatible server, what litellm knows, and the simulated double."""
