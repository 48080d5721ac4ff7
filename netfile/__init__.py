"""What a net's files say, with no engine: prototxts, caffemodels and the shapes of their blobs."""
