"""One huge file, worked through by Ray Data: no limit of lines or bytes, on one machine or a cluster.

Ray hands out blocks of the file, and each block's lines are asked of a running server, many at once.
What is done lies in a file a block, so a second run goes on where the first one ended.
"""
