"""The picture generator behind the default model: labelled drawings of motifs over natural-looking backgrounds.

Where to change what: `canvas.py` holds the drawing tools, `creatures.py`, `plants.py` and `things.py` one function
per object class, `textures.py` one per texture class, `sampler.py` puts a picture together.
"""
