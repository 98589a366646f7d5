"""Everything is killed, frozen and cut off under load; afterwards every accepted job must have exactly one end."""
