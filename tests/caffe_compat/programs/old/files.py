# Python 2's str in files, pickles and processes; what it prints there is in files.txt.
import cPickle, csv, hashlib, base64, os, struct, subprocess, sys, zlib, json
import cPickle as pickle
where = sys.argv[1] + '/'
f = open(where + 'text.txt', 'wb')
f.write('one 1\ntwo 2\n')
f.close()
for line in open(where + 'text.txt', 'rb'):
    name, number = line.strip().split(' ')
    print name, int(number) / 2
print open(where + 'text.txt').read().split('\n'), open(where + 'text.txt', 'rU').readlines()[0]
binary = open(where + 'data.bin', 'w')
binary.write(struct.pack('<If', 7, 1.5))
binary.write('\xff\x00')
binary.close()
data = open(where + 'data.bin', 'rb').read()
print len(data), struct.unpack('<If', data[:8]), data[8:] == '\xff\x00'
pickle.dump({'a': [1, 2], 'b': 'text'}, open(where + 'p.pkl', 'wb'))
print sorted(pickle.load(open(where + 'p.pkl', 'rb')).items())
pickle.dump([1, 'x'], open(where + 'p2.pkl', 'wb'), -1)
print pickle.load(open(where + 'p2.pkl'))
print pickle.loads(pickle.dumps({'k': 2}, 2))
with open(where + 'w.csv', 'wb') as f:
    w = csv.writer(f)
    w.writerow(['file', 'x', 'y'])
    w.writerow(['a.jpg', 1, 2.5])
for row in csv.DictReader(open(where + 'w.csv', 'rb')):
    print sorted(row.items())
print hashlib.md5('abc').hexdigest(), hashlib.sha1(open(where + 'text.txt').read()).hexdigest()
print base64.b64encode('abc'), base64.b64decode('YWJj'), base64.encodestring('abc'),
print subprocess.check_output(['echo', 'a b']).split('\n')
p = subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print p.communicate('through')[0] + '!'
sys.stdout.write('written\n')
print >>open(where + 'log.txt', 'a'), 'logged', 3/2
print open(where + 'log.txt').read(),
print json.loads('{"a": [1, 2]}')['a'], json.dumps([1, 'b'])
name = raw_input()
print 'read', name, sys.stdin.readline().strip()
f = file(where + 'text.txt'); print f.readline(), f.tell(), isinstance(f, file), f.name == where + 'text.txt'
