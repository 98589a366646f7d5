"""The words both sides share: prompts, jobs, messages and errors. Pure: no I/O, no torch, no discord."""
