"""Discord in: commands, buttons and modals become jobs; answers within three seconds; waiting messages stay fresh."""
