"""`/describe` and `/shorten`: commands that are answered with texts."""
