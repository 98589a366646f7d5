"""The parameters that every picture carries in its metadata, in the layout that other tools of the field read too.

First the prompt, then `Negative prompt:`, then one line of `Name: value` pairs. The last of them are Easel's own: the
job, and the lineage that rebuilds the picture from numbers (`contract.lineage`).
"""

from __future__ import annotations

from contract.catalogue import Catalogue
from contract.errors import UserError
from contract.jobs import Job
from contract.lineage import caption
from contract.plan import Plan, plan


def parameters_of(job: Job, catalogue: Catalogue, index: int | None = None) -> str:
    """The text for picture `index` of a job (from 0), or for its grid; only the caption when its model is gone."""
    try:
        offered = catalogue.named(job.model)
        return parameters_text(job, plan(job, offered), index, enlargement=offered.enlargement)
    except UserError:
        return caption(job)


def parameters_text(job: Job, asked: Plan, index: int | None = None, *, enlargement: int = 1) -> str:
    """As `parameters_of`, with the plan at hand. `Size` is what was drawn, before it was enlarged (times a side)."""
    pairs: dict[str, object] = {
        "Steps": asked.num_inference_steps,
        "Sampler": asked.sampler,
        "CFG scale": round(asked.guidance_scale, 3),
        "Seed": job.generations(index or 0)[-1].seed,
        "Size": f"{asked.width}x{asked.height}",
        **({"Hires upscale": enlargement} if enlargement > 1 else {}),
        "Model": job.model,
        "Easel job": job.id,
    }
    if index is not None:
        pairs["Easel picture"] = index + 1
    lines = [job.prompt.echo]
    if asked.negatives:
        lines.append(f"Negative prompt: {', '.join(asked.negatives)}")
    lines.append(", ".join(f"{name}: {value}" for name, value in pairs.items()))
    lines.append(f"Easel lineage: [{caption(job).rpartition('[')[2]}")
    return "\n".join(lines)
