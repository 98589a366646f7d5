"""Waiting messages: the answer that a job is accepted, and what it shows until its pictures come."""
