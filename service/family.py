"""A person's results as a family: who was made from whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from contract.derive import about
from contract.jobs import Job
from contract.kinds.tree import MAX_MEMBERS, Member, Tree
from exchange.accounts import Entry
from service.asker import Asker
from service.budget import promptly
from service.follow_ups import press_of
from service.profiles import profile_of
from service.services import Services

TREE = "tree"
"""Trees are in no tree."""


async def family_tree(services: Services, asker: Asker, line: Sequence[Job]) -> Job:
    """The job that draws the family of the last job of a `line`, oldest first: the line itself, and what the asker made
    of its members, as much as fits, the youngest last."""
    async with promptly():
        entries = await services.accounts.all_entries(asker.user.id)
    profile = await profile_of(services, asker)
    subject = line[-1]
    return about(subject, press_of(services, asker, subject, profile), Tree(_members(line, entries)))


def _members(line: Sequence[Job], entries: Sequence[Entry]) -> tuple[Member, ...]:
    places: dict[str, int] = {}
    members: list[Member] = []

    def add(id: str, member: Member) -> None:
        if id not in places and len(members) < MAX_MEMBERS:
            places[id] = len(members)
            members.append(member)

    for number, job in enumerate(line[-MAX_MEMBERS:]):
        index = None if job.parent is None else job.parent.index
        add(job.id, Member(job.id, job.request.kind, number - 1 if number else None, index if number else None))
    children: dict[str, list[Entry]] = defaultdict(list)
    for entry in sorted(entries, key=lambda entry: entry.created_ms):
        if entry.parent_id is not None:
            children[entry.parent_id].append(entry)
    generation = list(places)
    while generation:
        for parent in generation:
            for entry in children[parent]:
                if parent in places and entry.action != TREE:
                    add(entry.job_id, Member(entry.job_id, entry.action, places[parent], entry.index))
        generation = [entry.job_id for parent in generation for entry in children[parent]]
    return tuple(members)
