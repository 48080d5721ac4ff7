"""What a dream computes where the net's values are: on the host, or in GPU mode on the device.

There a blob has tensors beside its arrays, with PyTorch's methods, and its values are copied only
where the other side asks for them. What the notebook has is the host's arithmetic, product by
product, but for one copy of the gradient, whose mean is NumPy's: so a dream is bit-equal to the
notebook's code on the same device. What the notebook has not (smoothing, priors, other objectives)
is equal to the host's up to rounding.

`blobs.py` reads and writes a net's blobs, `brought.py` has arrays of the host there, `picture.py`
has the picture that a step changes, `smoothing.py` and `priors.py` the twins of the host's files of
these names. Functions and rules that have no twin see arrays.
"""
