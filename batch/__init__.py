"""Work that can wait: OpenAI's Files and Batches, each line routed, checked and climbed like a request."""
