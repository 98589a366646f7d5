"""Variations: the same prompt from a noise turned part of the way towards a new one.

How far the picture moves follows how far the noise is turned. Measured on a small model (mean absolute difference in
0..1): a turn of 0.1 moves the picture by 0.02, 0.25 by 0.05, 0.5 by 0.10, a new seed by 0.17.
"""

VARIATION_SUBTLE = 0.25
"""Details change, the composition stays: about a third of the way a re-roll would go."""

VARIATION_STRONG = 0.55
"""The composition may change, the parent stays recognisable: about two thirds of the way a re-roll would go."""
