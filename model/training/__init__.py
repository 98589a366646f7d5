"""How the default model was made: latent diffusion from pictures to weights, one file a stage.

Read in this order: `nouns` (what it practises), `data` (icons), `captions` and `compose` (training pictures),
`autoencoder`, `text_encoder`, `noising` and `denoiser`, `export`. `recipe` holds every number, `loop` is the training
loop they share, `folder` what is checked first, `stages` puts them in a row. Run it with `python -m model.training`.
"""
