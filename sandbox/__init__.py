"""A Discord of one's own: one process on 127.0.0.1 that speaks Discord's REST and gateway, with a web page.

The demo and the end-to-end tests live on it. It knows nothing of the programs it serves: what it answers, refuses and
limits follows Discord's public documentation, so a client that is wrong about Discord is found out here.

One guild, three channels, two human users and one bot. Without a data folder the world lives in memory.
"""
