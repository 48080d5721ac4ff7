"""What a net's files say: prototxts and caffemodels in every form that Caffe had, and the shapes of their blobs. Needs no engine."""
