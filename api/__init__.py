"""The door for programs: OpenAI's Images API over HTTP, on the same service, queue, turns and gate as Discord's."""
