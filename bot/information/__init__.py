"""`/help`, `/info`, `/userid`: words about the bot and about its user."""
