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
import tempfile, argparse, cStringIO
t = tempfile.NamedTemporaryFile(delete=False)
t.write('name: "x"\n'); t.flush(); t.seek(0)
print t.read(), os.path.exists(t.name), os.path.basename(where + 'x')
t.close(); os.remove(t.name)
fd, name = tempfile.mkstemp()
os.write(fd, 'by number'); os.close(fd)
print open(name).read(), os.unlink(name)
fd, name = tempfile.mkstemp()
f = os.fdopen(fd, 'w'); f.write('by file'); f.close()
print open(name).read()
parser = argparse.ArgumentParser()
parser.add_argument('f', type=argparse.FileType('rb'))
for line in parser.parse_args([where + 'text.txt']).f: print line.split(' ')[1].strip(),
print
p = subprocess.Popen('echo one; echo two', shell=True, stdout=subprocess.PIPE)
for line in p.stdout: print line.strip().split('o'),
print p.wait()
pieces, whole = [], ''
f = open(where + 'data.bin', 'rb')
while True:
    piece = f.read(4)
    if piece == '': break
    pieces.append(piece)
    whole += piece
print len(pieces), ''.join(pieces) == whole, '\x00' in whole, whole.endswith('\x00'), 'q' in whole, whole + '' == data
print 'caf\xc3\xa9'.decode('utf-8') == u'caf\u00e9', u'\u00e9'.encode('utf-8') == '\xc3\xa9'
print '{} {:.3f} {k}'.format(0.1 + 0.2, 1/3.0, k=0.1 + 0.2), set([1]), min('a', 1), [None, 1] < [1]
s = cStringIO.StringIO('a\nb'); print s.readline().strip(), s.read(), [l for l in cStringIO.StringIO('x\ny')]
