"""P2: one denoising step of a guided grid, eight rows: the stock forward against ours, nothing else.

On a card also the share of the matrix-product peak measured in the same run.
"""

import numpy as np
import torch

from benchmarks import shapes
from benchmarks.measure import arguments, on_card, pairs, report, rounded
from model.denoiser import Denoiser
from model.request import Size


def main() -> None:
    parser = arguments(__doc__ or "", pairs=25, rows=8)
    on_card(parser)
    options = parser.parse_args()
    torch.set_num_threads(1)
    bundle, _ = shapes.bundle(options.shape, options.device)
    denoiser = Denoiser(bundle, options.rows)
    way = denoiser.usual_way()
    quick = way != "off" and denoiser.quicken(way)
    chance = torch.Generator().manual_seed(0)
    shape = bundle.latent_shape(Size(*bundle.native_size))
    latents = torch.randn((options.rows, *shape), generator=chance).to(bundle.device)
    timesteps = torch.full((options.rows,), 500.0, device=bundle.device)
    with torch.inference_mode():
        half = options.rows // 2
        conditions = [bundle.condition("")] * half + [bundle.condition("a red apple")] * (options.rows - half)
        hidden = torch.stack([condition.hidden for condition in conditions if condition is not None])
        added = getattr(bundle.family, "added")(conditions, tuple(shape[1:]))  # noqa: B009
        typed = latents.to(hidden.dtype)

        def stock() -> torch.Tensor:
            prediction: torch.Tensor = bundle.denoiser(
                typed, timesteps, encoder_hidden_states=hidden, added_cond_kwargs=added, return_dict=False
            )[0]
            return prediction

        quicker = denoiser._quick or bundle.family

        def ours() -> torch.Tensor:
            prediction: torch.Tensor = quicker.predict(latents, timesteps, conditions)
            return prediction

        repeat = 4  # steps a measurement: below that the clock itself shows
        ratio, stock_s, ours_s, ratios = pairs(
            lambda: [stock() for _ in range(repeat)],
            lambda: [ours() for _ in range(repeat)],
            options.pairs,
            bundle.device,
        )
        error = (ours().float() - stock().float()).cpu().numpy()
        spread = float(stock().float().std())
    # Predictions as if they were pictures: the spread of the prediction stands for a quarter of the 255 levels.
    levels = error / (4 * spread) * 255
    mean_square = float(np.square(levels).mean())
    figures = {
        "ratio": rounded(ratio, 3),
        "stock_s": rounded(stock_s / repeat, 5),
        "ours_s": rounded(ours_s / repeat, 5),
        "max_level_diff": rounded(np.abs(levels).max(), 4),
        "psnr_db": 99.0 if mean_square == 0 else min(99.0, rounded(10 * np.log10(255**2 / mean_square), 1)),
        "threads": torch.get_num_threads(),
        "steps": repeat,
    }
    print(f"ratios of the pairs: {ratios[0]:.2f} to {ratios[-1]:.2f}; recorded graph: {quick}")
    if options.shape in shapes.ROW_TFLOP:
        reached = options.rows * shapes.ROW_TFLOP[options.shape] / figures["ours_s"]
        peak = shapes.matmul_peak_tflops(bundle.device)
        share = 100 * reached / peak
        print(f"{reached:.0f} TFLOP/s, {share:.0f} % of the {peak:.0f} that a matrix product reaches in this run")
    report(f"P2 one step of {options.rows} rows", figures, options.json, goals={"ratio": ">= 1.8"})


if __name__ == "__main__":
    main()
