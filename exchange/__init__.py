"""Where bot and workers meet: Redis, RQ and the image store. Imports `contract` only; neither torch nor discord."""
