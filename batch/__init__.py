"""Work that can wait; empty until the batch pool is built."""
