#!/usr/bin/env python
# -*- coding: utf-8 -*-
"""What Python 2 prints for these is in idioms.txt, by Python 2.7.18."""
from __future__ import with_statement
import os, sys, re, getopt, optparse, logging, shutil, glob, math, copy, datetime, traceback, collections, functools
import ConfigParser, Queue, threading, urllib2, itertools, string, types
from operator import itemgetter
class Error(Exception):
    def __init__(self, value): self.value = value
    def __str__(self): return repr(self.value)
def usage(): print >>sys.stderr, "usage: %s" % sys.argv[0]
try:
    opts, args = getopt.getopt(['-h', 'x'], "hi:o:", ["ifile="])
except getopt.GetoptError, err:
    print str(err)
print opts, args
try: raise Error, "v"
except Error as e: print e, e.value
try:
    try: open('/nonexistent')
    except IOError, (code, text): print code, text
except Exception, e: print 'x', type(e), e
try:
    {}['k']
except KeyError, e:
    print 'key', e, e.args
try: [][3]
except (IndexError, ValueError), e: print e
print "%s" % u"unicode", u"%d" % 3, "%5.1f|%-5s|%05d" % (1.25, 'a', 42)
print "a" if 3/2 == 1 else "b"
q = Queue.Queue()
def work(n, (a, b)=(1, 2)):
    q.put(n + a / b)
t = threading.Thread(target=work, args=(3,)); t.start(); t.join(); print q.get()
print sorted({'b': 1, 'a': 2}.items(), key=itemgetter(1), reverse=True)
print map(lambda x: x**2, filter(lambda x: x % 2, xrange(6)))
print [x for x in range(3) if x in (1, 2)], {x: x/2 for x in range(3)}
counts = collections.defaultdict(int)
for w in "a b a".split(): counts[w] += 1
print sorted(counts.iteritems(), cmp=lambda x, y: cmp(x[1], y[1]))
class Old:
    x = 1
    def method(self, *args, **kw):
        return self.x, args, sorted(kw.keys())
o = Old(); print o.method(1, a=2), hasattr(o, 'x'), isinstance(o, Old), Old.__name__, o.__class__.__name__
print getattr(o, 'y', None), callable(o.method)
class Base(object):
    def __init__(self): super(Base, self).__init__(); self.items = []
    def __len__(self): return len(self.items)
    def __getitem__(self, i): return self.items[i]
    def __contains__(self, v): return v in self.items
    @property
    def size(self): return len(self) / 2
b = Base(); b.items += [1, 2, 3]; b.items.extend((4, 5)); print len(b), b[1:3], 3 in b, b.size, bool(b)
global_count = 0
def count():
    global global_count
    global_count += 1
    return global_count
count(); print count()
def gen():
    for i in xrange(3): yield i
g = gen(); print g.next(), list(g)
print 10 / 3, 10 % 3, -10 / 3, 10 / -3, 10.0 / 4, 7 // 2, divmod(-7, 2), 2 ** 3 / 3, (1 << 4) / 3
print math.floor(2.5), math.ceil(2.1), math.floor(7) / 2, -math.ceil(1.5) / 4, int(math.floor(7/2.)), abs(-7) / 2, pow(2, 3) / 3, round(7 / 2)
x = 5; x /= 2; x += 1; x *= 3; x -= 1; x **= 2; x %= 7; print x
l = [[0] * 2 for _ in range(2)]; l[0][1] += 5; l[0][1] /= 2; print l
a, b = 3, 4; a, b = b, a; print a, b; (c, d), e = (1, 2), 3; print c, d, e
print 'line1\
continued', r'raw\n', 'it''s', "tab\tx", '\x41\101'
s = "hello"; print s[1:3], s[::-1], s.upper(), s.replace('l', 'L', 1), 'ell' in s, s.split('l'), ','.join(sorted(s))
print "%(a)s-%(b)d" % {'a': 1.5, 'b': 2.9}, '%%', '%c%c' % ('a', 98), '%r' % 'x', '%s' % None, '%s' % [1, 'a']
print type(1) == int, type('a') is str, type(1.0) in (int, float), isinstance(1, (int, long))
print max([3, 1, 2]), min('b', 'a'), sum(x / 2 for x in [3, 5]), any(x > 4 for x in [1, 5]), all([])
print str(None), str(True), str([1.0, 'a']), str((1,)), repr('a"b'), str({'a': 1.0})
print datetime.date(2015, 7, 1).strftime('%Y-%m-%d'), datetime.timedelta(seconds=5) / 2
print os.path.splitext('a/b.jpg'), os.path.basename('/x/y'), os.sep.join(['a', 'b'])
print re.sub(r'(\w)(\d)', r'\2\1', 'a1 b2'), re.findall('[0-9]+', 'a12b3'), re.match('a', 'abc').group()
logging.basicConfig(level=logging.INFO, format='%(levelname)s %(message)s', stream=sys.stdout)
logging.info('value %d', 3/2)
parser = optparse.OptionParser(); parser.add_option('-n', type='int', default=7/2); print parser.parse_args([])[0].n
lock = threading.Lock()
with lock: print 'locked'
print reduce(lambda p, q: p * q, xrange(1, 6)), zip('ab', 'cd'), enumerate('a').next(), dict(a=1).has_key('b')
print copy.deepcopy([1, [2]]), list(itertools.chain([1], [2])), list(itertools.ifilter(None, [0, 1])), list(itertools.islice(itertools.count(3), 2))
print 'abc' > 'abb', (1, 2) < (1, 3), [1] == [1], 1 == 1.0, None == 0, not None, 'a' * 3
exec "print 'in exec', 5/2"
code = compile("w = 9 / 2", "<s>", "exec"); exec code; print w
print eval("w / 3.0"), eval("lambda q: q / 2")(5)
if not os.path.isdir('/tmp'): print 'none'
elif 3 <> 4: print 'differ'
for i, c in enumerate("ab"):
    print i, c,
else:
    print 'end'
i = 0
while True:
    i += 1
    if i > 2: break
print i
assert 3 / 2 == 1, "floors"
print >>sys.stdout, 'x', ; print >>sys.stdout
print (1, 2), (3), (4,), ("a")
print("paren"), ("two")
print
print ''
print 1,; print 2
print "é", len("abc"), u"é".upper() == u"É"
del l[0]; print l
print [1, 2, 3][-1], [1, 2, 3][:-1], "%d%%" % 50, 0xff, 1e3, 1.5e-3, 0b11, 0o17, 1j * 1j
print lambda_ if 'lambda_' in globals() else 'no', vars().has_key('x'), 'x' in dir()
print hex(255), oct(8), bin(5), chr(65), float('1e3'), complex(1, 2), int(3.9), int('-5'), long('7')
print sys.version_info[0] >= 2, sys.maxint > 0, os.environ.has_key('NO_SUCH'), os.environ.get('NO_SUCH')
