"""Old names of libraries: each answers, does not without the shims, and is a row of the docs."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Dict

import pytest

from tests.support.programs import ROOT, Run

# each old name, as docs/programs.md writes it, and a program that uses it
NUMPY = {
    "np.float": "assert np.float(3) == 3.0 and np.zeros(2, np.float).dtype == np.float64",
    "np.int": "assert np.int(3.7) == 3 and np.arange(2, dtype=np.int).dtype.kind == 'i'",
    "np.object": "assert np.array([None], np.object).dtype == object",
    "np.str": "assert np.array(['a'], np.str)[0] == 'a'",
    "np.complex": "assert np.complex(1, 2).imag == 2",
    "np.unicode": "assert np.unicode is str",
    "np.float_": "assert np.float_(1).dtype == np.float64",
    "np.complex_": "assert np.complex_ is np.complex128",
    "np.string_": "assert np.string_ is np.bytes_",
    "np.unicode_": "assert np.unicode_ is np.str_",
    "np.bool8": "assert np.bool8(1) == True",
    "np.Inf": "assert np.Inf == np.inf == np.infty == np.PINF == -np.NINF",
    "np.NaN": "assert np.NaN != np.NaN",
    "np.product": "assert np.product([2, 3]) == 6",
    "np.cumproduct": "assert np.cumproduct([2, 3])[1] == 6",
    "np.alltrue": "assert np.alltrue([1, 1]) and np.sometrue([0, 1])",
    "np.in1d": "assert np.in1d([1], [1, 2]).all()",
    "np.trapz": "assert np.trapz([0, 2]) == 1",
    "np.round_": "assert np.round_(2.3) == 2",
    "np.rank": "assert np.rank(np.zeros((2, 3))) == 2",
    "np.mat": "assert np.mat([[1, 2]]).shape == (1, 2)",
    "np.asscalar": "assert np.asscalar(np.array([3])) == 3",
    "np.asfarray": "assert np.asfarray([1]).dtype == np.float64",
    "np.msort": "assert np.msort(np.array([2, 1]))[0] == 1",
    "np.find_common_type": "assert np.find_common_type([np.int8, np.float32], []) == np.float32",
    "np.fromstring": "assert np.fromstring(b'\\1\\0', np.uint8).tolist() == [1, 0]",
    "np.typeDict": "assert np.typeDict['float32'] is np.float32",
    "int(array)": "assert int(np.array([[3.7]])) == 3 and float(np.ones((1, 1))) == 1.0",
    "array.tostring()": "assert np.array([1], np.uint8).tostring() == b'\\1'",
}
SCIPY = {
    "scipy.misc.imread": "assert misc.imread(PNG).shape == (4, 6, 3)\n"
    "assert misc.imread(PNG, flatten=True).dtype == np.float32",
    "scipy.misc.imsave": "misc.imsave(OUT + '/b.png', np.eye(3))\n"
    "assert misc.imread(OUT + '/b.png').max() == 255",
    "scipy.misc.imresize": "assert misc.imresize(np.eye(4), 50).shape == (2, 2)\n"
    "assert misc.imresize(np.zeros((4, 4, 3), np.uint8), (6, 8), 'nearest').shape == (6, 8, 3)\n"
    "assert misc.imresize(np.zeros((4, 4), np.uint8), 2.0, interp='cubic').shape == (8, 8)",
    "scipy.misc.imrotate": "assert misc.imrotate(np.eye(4), 90).shape == (4, 4)",
    "scipy.misc.toimage": "assert misc.toimage(np.zeros((3, 4, 5))).size == (5, 4)",
    "scipy.misc.fromimage": "assert misc.fromimage(misc.toimage(np.eye(3))).shape == (3, 3)",
    "scipy.misc.bytescale": "assert misc.bytescale(np.array([0., 2.])).tolist() == [0, 255]",
    "scipy.misc.comb": "assert misc.comb(4, 2) == 6 and misc.factorial(3) == 6",
    "scipy.misc.logsumexp": "assert misc.logsumexp([0., 0.]) > 0.6",
    "scipy.zeros": "import scipy; assert scipy.zeros(3).shape == (3,) and scipy.misc.imresize",
    "scipy.signal.gaussian": "import scipy.signal as s; assert s.gaussian(5, 1).argmax() == 2",
}
RENAMED = {  # these give DeprecationWarnings in SciPy 1, and will be gone in SciPy 2
    "scipy.ndimage.filters": "from scipy.ndimage.filters import gaussian_filter",
    "scipy.ndimage.interpolation": "from scipy.ndimage.interpolation import zoom",
    "scipy.ndimage.morphology": "from scipy.ndimage.morphology import binary_dilation",
    "scipy.ndimage.measurements": "from scipy.ndimage.measurements import label",
    "scipy.ndimage.fourier": "from scipy.ndimage.fourier import fourier_shift",
}
PICTURES = {
    "Image.ANTIALIAS": "from PIL import Image\n"
    "assert Image.open(PNG).resize((3, 2), Image.ANTIALIAS).size == (3, 2)",
    "Image.LINEAR": "from PIL import Image; assert Image.LINEAR == Image.Resampling.BILINEAR",
    "Image.CUBIC": "from PIL import Image; assert Image.CUBIC == Image.Resampling.BICUBIC",
    "image.tostring()": "from PIL import Image; assert len(Image.open(PNG).tostring()) == 72",
    "Image.fromstring": "from PIL import Image\n"
    "assert Image.fromstring('L', (1, 1), b'a').getpixel((0, 0)) == 97",
    "draw.textsize": "from PIL import Image, ImageDraw\n"
    "assert ImageDraw.Draw(Image.new('L', (9, 9))).textsize('ab')[0] > 5",
    "font.getsize": "from PIL import ImageFont as f; assert f.load_default().getsize('a')[0] > 1",
    "import Image": "import Image, ImageDraw; assert Image.open(PNG).size == (6, 4)",
}
SKIMAGE = {
    "import skimage": "import skimage, skimage.io, skimage.transform, skimage.color\n"
    "from skimage import img_as_float\n"
    "assert skimage.io.imread(PNG, as_grey=True).ndim == 2\n"
    "assert skimage.transform.resize(np.eye(8), (4, 4))[0, 0] == 0.5",
}
STANDARD = {
    "cPickle": "import cPickle, io\n"
    "old = b'\\x80\\x02U\\x01\\xe9.'  # a str of Python 2\n"
    "assert cPickle.load(io.BytesIO(old)) == '\\xe9' and cPickle.loads(cPickle.dumps([1])) == [1]",
    "StringIO": "from StringIO import StringIO; s = StringIO(); s.write('a')\n"
    "assert s.getvalue() == 'a'",
    "cStringIO": "from cStringIO import StringIO; s = StringIO(); s.write(b'\\xff')\n"
    "assert s.getvalue() == b'\\xff'",
    "urllib2": "import urllib2; urllib2.urlopen, urllib2.Request, urllib2.HTTPError",
    "urllib.urlretrieve": "import urllib; urllib.urlretrieve, urllib.urlopen\n"
    "assert urllib.quote('a b') == 'a%20b' and urllib.urlencode({'a': 1}) == 'a=1'",
    "urlparse": "import urlparse; assert urlparse.urlparse('http://a/b').path == '/b'",
    "Queue": "import Queue; Queue.Queue(2).put(1)",
    "ConfigParser": "import ConfigParser; ConfigParser.SafeConfigParser().sections()",
    "httplib": "import httplib; httplib.HTTPConnection",
    "commands": "import commands; assert commands.getoutput('echo a') == 'a'",
    "thread": "import thread; thread.allocate_lock()",
    "HTMLParser": "from HTMLParser import HTMLParser",
    "SocketServer": "import SocketServer, BaseHTTPServer, SimpleHTTPServer",
    "sets": "from sets import Set; assert 1 in Set([1])",
    "md5": "import md5; md5.md5(b'a').hexdigest()",
    "copy_reg": "import copy_reg; copy_reg.pickle",
    "cookielib": "import cookielib, Cookie; cookielib.CookieJar",
    "__builtin__": "import __builtin__; __builtin__.raw_input",
    "exceptions": "import exceptions; exceptions.ValueError",
    "time.clock": "import time; assert time.clock() >= 0",
    "string.letters": "import string; assert string.letters[:2] == 'ab' == string.lower('AB')",
    "itertools.izip": "import itertools; assert list(itertools.izip([1], [2])) == [(1, 2)]",
    "os.getcwdu": "import os; assert os.getcwdu() == os.getcwd() and os.errno.ENOENT == 2",
    "sys.maxint": "import sys; assert sys.maxint > 2**60; sys.setdefaultencoding('utf8')",
    "collections.Mapping": "import collections; assert issubclass(dict, collections.Mapping)",
    "operator.div": "import operator; assert operator.div(7, 2) == 3 and operator.isCallable(int)",
    "types.StringType": "import types; assert types.StringType is str and types.ListType is list",
    "inspect.getargspec": "import inspect\nassert inspect.getargspec(lambda a, b=2: 0).args == "
    "['a', 'b']",
    "fractions.gcd": "import fractions; assert fractions.gcd(4, 6) == 2",
}
MATPLOTLIB = {
    "matplotlib.use(…, warn=)": "matplotlib.use('Agg', warn=False)",
    "plt.hold": "plt.hold(True); plt.gca().hold(True); assert plt.ishold()",
    "plt.cm.get_cmap": "assert plt.cm.get_cmap('jet', 4).N == 4 and plt.cm.get_cmap().N",
    "plt.cm.spectral": "assert plt.cm.spectral.name == 'nipy_spectral'",
    "plt.hist(normed=)": "plt.hist([1, 2], normed=True); plt.gca().hist([1, 2], normed=1)",
    "axisbg=": "assert plt.subplot(111, axisbg='red').get_axis_bgcolor()[0] == 1.0",
    "ax.set_axis_bgcolor": "plt.gca().set_axis_bgcolor('red')",
    "seaborn-whitegrid": "plt.style.use('seaborn-whitegrid')",
    "axes.color_cycle": "plt.rcParams['axes.color_cycle'] = ['r', 'g']",
}
OTHERS = {
    "from IPython.core.display import display": "from IPython.core.display import display, Image\n"
    "from IPython.core.display import clear_output",
    "set_matplotlib_formats": "from IPython.display import set_matplotlib_formats",
    "yaml.load(text)": "import yaml; assert yaml.load('a: [1]') == {'a': [1]}",
    "dataset.value": "import h5py; f = h5py.File(OUT + '/a.h5', 'w'); f['a'] = [1, 2]\n"
    "assert f['a'].value.tolist() == [1, 2]",
    "h5py.File(name)": "import h5py; h5py.File(OUT + '/new.h5')['a'] = [1]",
    "sklearn.cross_validation": "from sklearn.cross_validation import train_test_split",
    "sklearn.grid_search": "from sklearn.grid_search import GridSearchCV",
    "SGDClassifier(n_iter=)": "from sklearn.linear_model import SGDClassifier\n"
    "assert SGDClassifier(loss='log', n_iter=7).fit([[0], [1]], [0, 1]).n_iter_ == 7",
    "cv2.CV_LOAD_IMAGE_COLOR": "import cv2; assert cv2.CV_LOAD_IMAGE_COLOR == cv2.IMREAD_COLOR",
    "cv2.cv": "import cv2; assert cv2.cv.CV_CAP_PROP_FPS == cv2.CAP_PROP_FPS\n"
    "assert cv2.cv.CV_FOURCC(*'MJPG') == cv2.VideoWriter_fourcc(*'MJPG')",
}
CASES = {**NUMPY, **SCIPY, **RENAMED, **PICTURES, **SKIMAGE, **STANDARD, **MATPLOTLIB, **OTHERS}
IMPORTS = {
    **dict.fromkeys([*NUMPY, *SKIMAGE, *SCIPY], "import numpy as np\n"),
    **dict.fromkeys(MATPLOTLIB, "import matplotlib\nimport matplotlib.pyplot as plt\n"),
}
for _name in SCIPY:
    IMPORTS[_name] += "from scipy import misc\n" if "misc" in _name else ""

RUNNER = """
import json, os, sys, warnings
os.environ["MPLBACKEND"] = "Agg"
found = {}
for name in json.load(open("names.json")):
    with warnings.catch_warnings():
        warnings.simplefilter("error" if name.startswith("scipy.ndimage") else "ignore")
        try:
            __import__("case_%d" % json.load(open("names.json"))[name])
            found[name] = "ok"
        except BaseException as e:
            found[name] = "%s: %s" % (type(e).__name__, e)
json.dump(found, open(sys.argv[1], "w"))
"""


def lacks(code: str) -> str:
    """The package that this needs and that is not installed here, or ""."""
    for package in ("IPython", "matplotlib", "h5py", "sklearn", "cv2", "yaml"):
        if f"import {package}" in code or f"from {package}" in code:
            return "" if importlib.util.find_spec(package) else package
    return ""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Dict[bool, Dict[str, str]]:
    """What each case gives, with the shims and without: "ok", or its error."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("cases")
    Image.new("RGB", (6, 4), (9, 99, 200)).save(folder / "a.png")
    names = {name: number for number, name in enumerate(CASES)}
    for name, number in names.items():
        head = f"PNG, OUT = {str(folder / 'a.png')!r}, {str(folder)!r}\n" + IMPORTS.get(name, "")
        (folder / f"case_{number}.py").write_text(head + CASES[name] + "\n", encoding="utf-8")
    (folder / "names.json").write_text(json.dumps(names))
    (folder / "runner.py").write_text(RUNNER)
    found: Dict[bool, Dict[str, str]] = {}
    for shims in (True, False):
        options = [] if shims else ["--no-shims"]
        command = [sys.executable, "-m", "caffe_compat", *options, "runner.py", f"{shims}.json"]
        path = {"PYTHONPATH": ":".join([str(ROOT), *sys.path[1:]])}
        done = subprocess.run(command, cwd=folder, env={**path}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        found[shims] = json.loads((folder / f"{shims}.json").read_text())
    return found


@pytest.mark.parametrize("name", CASES)
def test_an_old_name_answers_with_the_shims_alone(
    results: Dict[bool, Dict[str, str]], name: str
) -> None:
    package = lacks(IMPORTS.get(name, "") + CASES[name])
    if package:
        pytest.skip(f"needs {package}")
    assert results[True][name] == "ok"
    assert results[False][name] != "ok"


def test_the_docs_have_a_row_for_each() -> None:
    text = (ROOT / "docs" / "programs.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"`([^`]+)`", "\n".join(re.findall(r"^\|.*$", text, re.M))))
    assert not set(CASES) - shown


def test_an_installed_scikit_image_has_its_old_defaults(run: Run, tmp_path: Path) -> None:
    package = tmp_path / "skimage"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "transform.py").write_text(
        "def resize(image, shape, order=None, mode='reflect', anti_aliasing=None):\n"
        "    return mode, anti_aliasing\n"
        "def rescale(image, scale, order=None, mode='reflect', anti_aliasing=None):\n"
        "    return mode, anti_aliasing\n"
    )
    (package / "color.py").write_text("def rgb2gray(x): return x\ndef gray2rgb(x): return x\n")
    (package / "io.py").write_text("def imread(fname, as_gray=False): return as_gray\n")
    program = (
        "import skimage.io, skimage.transform, skimage.color as c\n"
        "print(skimage.io.imread('x', as_grey=True), skimage.transform.resize(0, (1, 1)))\n"
        "print(skimage.transform.rescale(0, 2, anti_aliasing=True), c.rgb2grey(3))\n"
        "print(skimage.transform.resize(0, (1, 1), 1, 'edge'))\n"
    )
    assert run(program).stdout == (
        "True ('constant', False)\n('constant', True) 3\n('edge', False)\n"
    )


def test_an_installed_pandas_has_its_old_names(run: Run, tmp_path: Path) -> None:
    (tmp_path / "pandas.py").write_text(
        "class plotting:\n    scatter_matrix = 7\n"
        "class Series:\n    ndim, values = 1, 'v'\n"
        "    def sort_values(self, ascending): return ascending\n"
        "class DataFrame(Series):\n    ndim, loc, iloc = 2, {'a': 1}, [5]\n"
        "    def sort_values(self, by, ascending): return by\n"
    )
    program = (
        "import pandas as pd\nf = pd.DataFrame()\n"
        "print(pd.scatter_matrix, f.as_matrix(), f.ix['a'], f.ix[0], f.sort('c'))\n"
        "print(pd.Series().sort(ascending=False))\n"
    )
    assert run(program).stdout == "7 v 1 5 c\nFalse\n"


def test_libraries_that_nobody_imports_stay_out(run: Run) -> None:
    program = "import sys\nprint({'numpy', 'scipy', 'PIL', 'urllib.request'} & set(sys.modules))\n"
    assert run(program).stdout == "set()\n"


def test_python_2_prints_arrays_as_then(run: Run) -> None:
    pytest.importorskip("fissix")
    program = "import numpy as np\nprint np.array([1., 2.5]), [np.float32(0.5)]\n"
    assert run(program).stdout == "[ 1.   2.5] [0.5]\n"
    assert run(program, options=["--no-shims"]).stdout != "[ 1.   2.5] [0.5]\n"


def test_a_newer_program_prints_as_ever(run: Run) -> None:
    program = "import numpy as np\nprint(np.array([1., 2.5]), int(np.array([3])))\n"
    assert run(program).stdout == "[1.  2.5] 3\n"
    done = run(program, options=["--no-shims"])
    assert done.returncode == 1 and "only 0-dimensional" in done.stderr


def test_an_own_int_is_left_alone(run: Run) -> None:
    program = "def int(x): return 'mine'\nprint(int(3.5), float.__name__)\n"
    assert run(program).stdout == "mine float\n"
