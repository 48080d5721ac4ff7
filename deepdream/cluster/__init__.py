"""Work on many machines, by Dask distributed: the client that hands it out, what a worker does, and
the check that a worker is as the client is.

The client reads every picture and writes every result; a worker needs this package and the model,
and no file beside.
"""

from .client import Cluster, joined

__all__ = ["Cluster", "joined"]
