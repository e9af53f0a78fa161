"""Estimate the light of a picture, and correct it: python examples/estimate_and_correct.py [PICTURE [OUTPUT]]"""

import sys
from pathlib import Path

import awbkit

source = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "pictures" / "kitchen_tungsten.jpg"
output = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(f"{source.stem}_awb.jpg")

light = awbkit.estimate(source)
print(f"{source.name}: gains {light.gains[0]:.3f} {light.gains[1]:.3f} {light.gains[2]:.3f}")
if light.cct_duv is not None:
    print(f"about {light.cct_duv[0]:.0f} K, Duv {light.cct_duv[1]:+.4f}")
awbkit.correct(source, output, illuminant=light, if_exists="replace")
print(f"corrected: {output}")
