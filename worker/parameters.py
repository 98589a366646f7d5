"""The parameters that every picture carries in its metadata, in the layout that other tools of the field read too.

First the prompt, then `Negative prompt:`, then one line of `Name: value` pairs, which has to be the last. The last of
them are Easel's own: the job, and the lineage that rebuilds the picture from numbers (`contract.lineage`).
"""

from __future__ import annotations

from contract.jobs import Job
from contract.lineage import caption


def enlargement_of(job: Job, width: int, height: int) -> int:
    """How many times a side a finished picture is what was drawn for it; one of its sides may have been trimmed."""
    if job.plan is None or job.request.from_picture or job.request.composed:
        return 1
    return round(max(width / job.plan.width, height / job.plan.height))


def parameters_text(job: Job, index: int | None = None, *, enlargement: int = 1) -> str:
    """The text for picture `index` of a job (from 0), or for its grid; only the caption of a job without a plan.

    `Size` is what was drawn, before it was enlarged (times a side).
    """
    plan = job.plan
    if plan is None:
        return caption(job)
    pairs: dict[str, object] = {
        "Steps": plan.num_inference_steps,
        "Sampler": plan.sampler,
        "CFG scale": round(plan.guidance_scale, 3),
        "Seed": job.generations(index or 0)[-1].seed,
        "Size": f"{plan.width}x{plan.height}",
        **({"Hires upscale": enlargement} if enlargement > 1 else {}),
        "Model": job.model,
        "Easel job": job.id,
    }
    if index is not None:
        pairs["Easel picture"] = index + 1
    pairs["Easel lineage"] = f'"[{caption(job).rpartition("[")[2]}"'
    lines = [job.prompt.echo]
    if job.prompt.negatives:
        lines.append(f"Negative prompt: {', '.join(job.prompt.negatives)}")
    lines.append(", ".join(f"{name}: {value}" for name, value in pairs.items()))
    return "\n".join(lines)
