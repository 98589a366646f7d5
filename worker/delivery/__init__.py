"""How jobs end for people: what an end means (`ending`), and how a place is told of it (`discord`)."""
