# Detection in windows that a CSV file lists, through caffe.Detector, by the Python of the time.
import csv
import os, sys

import numpy as np

import caffe

photo, table = [os.path.join(sys.argv[1], n) for n in 'photo.jpg', 'windows.csv']
with open(table, 'wb') as f:
    rows = csv.writer(f)
    rows.writerow(['filename', 'ymin', 'xmin', 'ymax', 'xmax'])
    for (y, x) in [(0, 0), (5, 8)]:
        rows.writerow([photo, y, x, y + 20, x + 30])
boxes = {}
for row in csv.DictReader(open(table, 'rb')):
    corners = map(float, [row[k] for k in 'ymin', 'xmin', 'ymax', 'xmax'])
    boxes.setdefault(row['filename'], []).append(np.array(corners))
net = os.environ.get('CAFFE_ROOT', '../caffe') + '/models/bvlc_reference_rcnn_ilsvrc13/'
detector = caffe.Detector(net + 'deploy.prototxt', net + 'bvlc_reference_rcnn_ilsvrc13.caffemodel',
                          mean=np.array([104., 117., 123.]), raw_scale=255, channel_swap=(2, 1, 0))
found = detector.detect_windows(boxes.items())
print len(found), sorted(found[0].keys())
found.sort(lambda a, b: cmp(a['window'][0], b['window'][0]))
print [tuple(d['window'].astype(int)) for d in found], found[0]['prediction'].shape
