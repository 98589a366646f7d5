"""`/queue`, `/cancel`, `/history`, `/show`: a person and their jobs."""
