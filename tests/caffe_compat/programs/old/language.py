# -*- coding: utf-8 -*-
# What Python 2 prints for this is in language.txt, by Python 2.7.18.
import sys
print "whole numbers:", 3/2, -7/2, 7/-2, 0777, 10L, 2 <> 3, 7.0/2, 5 % 3
print `3`, `'a'`, repr(1.5)
print >>sys.stdout, "to a stream", "and on",
print "the same line"
def first((a, b), c=2):
    "Tuples among the parameters."
    print a, b, c
    for i in xrange(2): print i,
    print
first((1, 2), 3)
try:
    raise ValueError, "bad"
except (ValueError, KeyError), e:
    print e, e.message
print "kept:", e
try:
    1/0
except ZeroDivisionError as z:
    pass
print z
d = {'a': 1}
print d.keys()[0], d.has_key('a'), d.values(), d.items()[0], list(d.iteritems())
print sorted({'x': 1, 'y': 2}.iteritems(), key=lambda (k, v): -v)
exec "y = 3/2"
print y
space = {}
exec "z = 7/2" in space
print space['z']
x = [1, 2, 3]
x[1] /= 2
x[0:1] = [9]
z = 7
z /= 2
print x, z, map(None, [1, 2], [3]), zip([1], [2]), filter(lambda c: c != 'a', 'banana')
print round(2.5), round(-0.5), round(1.005, 2), round(1234.5, -2), 0.1 + 0.2, 1e16, 1e12
print "%s %r %d %5.2f" % (0.1 + 0.2, 'a', 3.7, 2.0/3), str(1.0), str(0.1 + 0.2), [0.1 + 0.2]
class A:
    def __init__(self): self.n = 0
    def __iter__(self): return self
    def next(self):
        self.n += 1
        if self.n > 3: raise StopIteration
        return self.n
    def __nonzero__(self): return False
    def __cmp__(self, o): return cmp(self.n, o.n)
class Half(object):
    def __init__(self, v): self.v = v
    def __div__(self, o): return 'div %d' % o
    def __eq__(self, o): return self.v == o.v
print list(A()), bool(A()), A() == A(), A() < A(), Half(1) / 2, len(set([Half(1)]))
it = iter([5]); print it.next()
class Meta(type):
    def __new__(kind, name, bases, space):
        space['made'] = name
        return type.__new__(kind, name, bases, space)
class Made(object):
    __metaclass__ = Meta
print Made.made, Made().made
print sorted([3, 1, 2], lambda a, b: b - a), None < 0, max(None, 3), sorted([None, 3, 'a', 1])
l = [3,1,2]; l.sort(cmp=lambda a, b: cmp(b, a)); print l
l.sort(lambda a, b: cmp(a, b)); print l
print isinstance(u'a', unicode), isinstance('a', basestring), unicode('é', 'utf-8') == u'é'
print 'abc'.encode('hex'), '616263'.decode('hex'), 'abc'.encode('rot13'), 'abc'.encode('base64')
print reduce(lambda a, b: a + b, range(5)), range(3) + [9], [i for i in 1, 2]
from StringIO import StringIO
s = StringIO(); s.write('hi'); print >>s, 'there', 3/2; print s.getvalue(),
if 1:
	print 'tab'
        print 'eight'
print eval('7/2'), long(3), int('12'), int('ff', 16), cmp(1, 2), ord('a'), unichr(97), apply(max, (1, 5))
import string, itertools, operator, types, os, urllib, urlparse
print string.letters[:3], string.join(['a', 'b'], '-'), 'abc'.translate(None, 'b'), string.upper('a')
print list(itertools.izip([1], [2])), list(itertools.imap(lambda v: v/2, [5])), operator.div(7, 2)
print urllib.quote('a b'), urlparse.urlparse('http://a/b').path, isinstance('a', types.StringType)
print type(3/2).__name__, type(round(1)).__name__, sum([1, 2])/2, len(map(str, [1, 2]))
import random
random.seed(7)
print random.randint(0, 100), random.choice('abcdef'), random.sample(range(30), 4), round(random.random(), 6)
numbers = range(8); random.shuffle(numbers); print numbers, random.randrange(5)
print "a" "b", ur"\d", u"x", b"y", """two
lines""", "%(k)s" % {'k': 3/2}
print "softspace ends with a newline",
