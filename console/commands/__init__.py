"""Commands that need Redis alone, so that every host has them. `console.command_line` puts them together."""
