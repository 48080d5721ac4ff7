"""What data layers read: pictures as OpenCV reads them, and Caffe's transformations of them."""
