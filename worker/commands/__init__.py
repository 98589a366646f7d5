"""Commands that need what a worker has: pictures, models, webhook secrets. `worker.__main__` puts them together."""
