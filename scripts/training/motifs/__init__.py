"""The pictures that the default model learns from: labelled drawings over natural backgrounds.

Where to change what: `canvas.py` holds the drawing tools; `creatures.py`, `plants.py` and
`things.py` hold one function per class of objects, `textures.py` one per class of textures;
`sampler.py` puts a picture together.
"""
