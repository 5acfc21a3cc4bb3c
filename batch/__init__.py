"""Work that can wait. Empty until the batch pool is built; the folder holds its place in the layout."""
