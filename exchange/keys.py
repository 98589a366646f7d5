"""Every Redis key and channel Easel uses, in one place; the Lua scripts take their names from here as well.

RQ's own keys keep RQ's names, so that RQ's tools keep working. An Easel job has up to three RQ jobs: `<job>` (what the
bot submitted, to any of the queues), `render-<job>` (the drawing of what was submitted to another queue) and
`deliver-<job>` (the post of what was drawn). Scripts build key names, so Redis Cluster is not supported (RQ does not
support it either).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from contract.ids import JobId, parse_job_id

INTAKE = "intake"
RENDER = "render"
DELIVER = "deliver"
QUEUES = (INTAKE, RENDER, DELIVER)
"""In the order in which a job may pass through them: pictures are brought in, drawn, posted."""


@dataclass(frozen=True, slots=True)
class Key:
    """A family of keys; called with the parts of its `pattern`, in their order, it is a key's name.

    `holds` is Redis' type, or `channel` for what is published and never kept. `meaning` is for people.
    """

    pattern: str
    holds: str
    meaning: str

    @property
    def parts(self) -> list[str]:
        """The names in the pattern."""
        return re.findall(r"\{(\w+)\}", self.pattern)

    def __call__(self, *values: str | int) -> str:
        """The name of one key. TypeError for too many or too few parts."""
        if len(values) != len(self.parts):
            raise TypeError(f"{self.pattern} takes {len(self.parts)} parts, not {len(values)}")
        return self.pattern.format(**dict(zip(self.parts, values, strict=True)))

    def lua(self) -> str:
        """The same as a function in Lua."""
        pieces = re.split(r"\{(\w+)\}", self.pattern)
        terms = [piece if number % 2 else f"'{piece}'" for number, piece in enumerate(pieces) if piece]
        return f"function({', '.join(self.parts)}) return {' .. '.join(terms)} end"


# RQ's keys. `queue` is one of QUEUES, `id` an RQ job's id, `member` is `id:execution`.
rq_queues = Key("rq:queues", "set", "the queues' lists, as RQ's tools look for them")
rq_list = Key("rq:queue:{queue}", "list", "the waiting jobs: the truth that `rq info -S json` shows")
rq_job = Key("rq:job:{id}", "hash", "the job; fields that begin with `easel_` are ours, RQ ignores and keeps them")
leases = Key("rq:wip:{queue}", "zset", "member -> when its lease ends (Redis' clock, Unix seconds)")
execution = Key("rq:execution:{member}", "hash", "who runs it")
executions = Key("rq:executions:{id}", "zset", "the executions of one job -> when RQ may forget them")
scheduled = Key("rq:scheduled:{queue}", "zset", "jobs that wait for a later try -> when")
ended = Key("rq:{how}:{queue}", "zset", "finished, failed or canceled jobs -> when RQ may forget them")
results = Key("rq:results:{id}", "stream", "what a job returned, or its traceback")
rq_workers = Key("rq:workers", "set", "the slots of the fleet, as RQ lists workers")
rq_workers_of = Key("rq:workers:{queue}", "set", "the slots that serve a queue")
rq_worker = Key("rq:worker:{name}", "hash", "one slot; it lapses a minute after its process last said that it lives")
rq_worker_executions = Key("rq:worker:{name}:executions", "set", "the members that a slot runs")
rq_commands = Key("rq:pubsub:{name}", "channel", "RQ's commands to one slot: stop-job, shutdown")
suspended = Key("rq:suspended", "string", "there while `rq suspend` holds all queues")

# Easel's keys. `job` is an Easel job's id, `scope` is `user:<id>`, `guild:<id>` or `channel:<id>`.
order = Key(
    "easel:{queue}:order", "zset", "waiting id -> fair tag (megapixel-steps / weight); its rank is the position"
)
arrivals = Key("easel:{queue}:arrivals", "zset", "waiting id -> when it came; who waits too long is served out of turn")
virtual = Key("easel:{queue}:virtual", "string", "the fair clock, a tag: moves on with the work that is served")
ends = Key("easel:{queue}:ends", "zset", "user -> the tag at which the user's last job ends, if that is to come")
pressed = Key("easel:{queue}:pressed", "hash", "mean share of a job; pressed work that went early (`exchange.tasks`)")
counter = Key("easel:{queue}:counter", "string", "breaks ties by arrival")
turn = Key("easel:{queue}:turn", "string", "counts claims")
held = Key("easel:held", "zset", "ids that wait for the bot's acknowledgement -> since when")
open_jobs = Key("easel:open", "zset", "accepted jobs that have not ended -> when to look after them next")
waiting = Key("easel:waiting:{scope}", "set", "queued and held ids of a user or guild; caps count them")
posts = Key("easel:posts:{place}", "zset", "user:id of the posts in a channel -> when they began; of the last seconds")
running = Key("easel:running:{scope}", "set", "rendering ids of the same")
limits = Key("easel:limits", "hash", "caps on running jobs and weights of speeds, written by doors, read at each step")
speed = Key("easel:speed", "hash", "model key, and model key@pixels -> megapixel-steps a second of one slot")
recovered = Key("easel:recovered", "string", "there while recovery was done a moment ago by some process of the fleet")
state = Key("easel:job:{job}", "hash", "one Easel job: state, owner, waiting message, posted message")
recovered_counts = Key(
    "easel:counts", "hash", "how often recovery found a lease lapsed, a job unanswered or vanished, an entry not ours"
)
trail = Key("easel:trail:{job}", "list", "what became of a job, oldest first, as JSON (a day)")
drained = Key("easel:drained", "hash", "places (`host` or `host:device`) that begin no job -> since when")
cancel_channel = Key("easel:cancel", "channel", "RQ ids whose running task has to stop")
progress_channel = Key("easel:progress", "channel", "progress frames (`exchange.progress`)")
resumed = Key("easel:resumed", "string", "how often an operator has asked for everything to be tried again")
nodes = Key("easel:nodes", "set", "the names of worker processes that have said something of themselves")
warm = Key("easel:warm:{model}", "zset", "process that has a model loaded and room for a job -> until when that holds")
node = Key("easel:node:{name}", "hash", "what a worker process says of itself: models, device, health (a minute)")
quarantined = Key("easel:quarantined", "list", "what was put aside and why, until a worker has logged it")
quarantine = Key("easel:quarantine:{key}", "any", "what had the wrong type, put aside under another name (a week)")
probe = Key("easel:probe", "any", "where rights are tried out; gone at once")
rq_probe = Key("rq:probe", "any", "the same among RQ's keys")
pruned = Key("easel:pruned", "string", "there while the image store was pruned within the last day")
preferences = Key("easel:preferences:{scope}", "hash", "settings of a user, channel or guild, or of `everyone`")
meanings = Key("easel:meanings", "hash", "version -> the model and revision that it meant when last looked at")
uses = Key("easel:uses:{version}", "zset", "channel:guild:locale that used a version -> when (Unix milliseconds)")
notices = Key("easel:notices", "hash", "channel -> the changes of models that it is still to be told, as JSON")
pending = Key("easel:pending:{token}", "string", "a request that waits for a confirmation")
batch = Key("easel:batch:{token}", "hash", "jobs confirmed together: documents, how many are accepted, message")
batches = Key("easel:batches", "set", "tokens of the batches that have not ended")
batches_of = Key("easel:batches:{user}", "set", "those of one person")
batch_runner = Key("easel:batch:{token}:runner", "string", "the bot process that starts a batch's jobs; expires")
form = Key("easel:form:{user}:{message}:{name}", "string", "a form that a person opened under a message; expires")
policy = Key("easel:policy", "hash", "what the operator set for everybody (`exchange.policies.Policy`)")
policy_words = Key("easel:policy:words", "hash", "the operator's blocked words -> their weights")
quotas = Key("easel:quotas", "hash", "everyone, role:ID or user:ID -> how much they may make, as JSON")
strikes = Key("easel:strikes:{user}", "zset", "heavy refusals of the last day -> when (Unix milliseconds)")
case = Key("easel:case:{token}", "string", "an appeal or a report that awaits a decision, as JSON; expires")
cases_of = Key("easel:cases:{user}", "set", "those about one person, of which some may be decided; expires")
deciding = Key("easel:deciding:{token}", "string", "there while somebody decides a case; expires")
bans = Key("easel:bans:{subject}", "hash", "users or guilds that may make no pictures -> why and until when, as JSON")
invited = Key("easel:invited:{subject}", "set", "users or guilds that alone may make pictures; none: all may")
spent = Key("easel:spent:{user}", "zset", "jobs accepted in the last hour -> when (Unix milliseconds)")
audit = Key("easel:audit", "list", "what moderators and operators did, newest first, as JSON")
usage = Key("easel:usage:{user}:{month}", "hash", "pictures and GPU seconds")
api_keys = Key("easel:api_keys", "hash", "key id -> what is known of a program's key, its secret as a digest, as JSON")
history = Key("easel:history:{user}", "zset", "job -> when")
favourites = Key("easel:favourites:{user}", "hash", "job -> when a person marked it, and what it was, as JSON; kept")
favoured = Key("easel:favoured:{job}", "set", "who marked a job, so that it can be forgotten for all of them")
history_entries = Key("easel:history:{user}:entries", "hash", "job -> what it was and where it was posted, as JSON")

KEYS: dict[str, Key] = {name: value for name, value in globals().items() if isinstance(value, Key)}
"""All of them by the name that they have here and in the scripts."""


def delivery_id(job_id: JobId) -> str:
    """The RQ id of a job's post."""
    return f"deliver-{job_id}"


def again_id(job_id: JobId) -> str:
    """The RQ id under which a job is rendered that was first submitted to another queue."""
    return f"render-{job_id}"


STEMS = ("", "render-", "deliver-")
"""What comes before an Easel job's id in the ids of its RQ jobs, in the order in which they come."""


def rq_ids(job_id: JobId) -> list[str]:
    """Every RQ id that an Easel job may have, in the order in which they come."""
    return [stem + job_id for stem in STEMS]


def job_of(rq_id: str) -> JobId:
    """The Easel job an RQ id belongs to; ValueError when it is none of ours."""
    return parse_job_id(rq_id.removeprefix("deliver-").removeprefix("render-"))
