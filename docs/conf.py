"""How the pages are built: offline, from the code, warnings being errors (``make docs``)."""

import os
import sys
from importlib import metadata
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["POSENET3D_EXAMPLES"] = str(Path(__file__).parents[1] / "examples")
sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "posenet3d"
author = "The posenet3d authors"
copyright = "2026, the posenet3d authors"
version = release = metadata.version("posenet3d")

extensions = [
    "diagrams",
    "from_the_code",
    "mathml",
    "plain_docstrings",
    "player",
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_gallery.gen_gallery",
    "sphinxcontrib.bibtex",
]
exclude_patterns = ["_build", "auto_examples/*.ipynb", "sg_execution_times.rst"]
highlight_language = "python"
default_role = "py:obj"  # docstrings name things in single backticks
smartquotes_action = "qe"  # two hyphens are an option, not a dash
nitpicky = True
nitpick_ignore_regex = [
    # Other projects' names, and words of type hints: the pages are built offline and link to no
    # inventory. Every name of this library must resolve, but for these: what is not public.
    ("py:.*", r"(?!posenet3d\.).*"),
    ("py:.*", r"posenet3d\.(plugins\.Component|training\.(adversary\..*|engine\.engine\.T))"),
    ("py:.*", r"posenet3d\.nn\.(folding|packing)\.Part"),
    ("py:.*", r"posenet3d\.(evaluation\.sequences\..*|data\.normalization)"),
    ("py:.*", r"posenet3d\.body\.(simplex|joints_only)\b.*"),
    ("py:.*", r"posenet3d\.networks\.(card|model_files)\..*"),
    ("py:.*", r"posenet3d\.([\w.]+\.)?_\w+"),
]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 88
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_attr_annotations = False  # a shape such as "*batch" is no reStructuredText
# "Example:" holds doctests, which continuous integration runs from the source.
doctest_test_doctest_blocks = ""
doctest_global_setup = "import numpy as np; import torch; import posenet3d as p3d"

bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "plain"

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",
    "image_scrapers": ("matplotlib",),
    "plot_gallery": "True",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "remove_config_comments": True,
    "within_subsection_order": "FileNameSortKey",
    "min_reported_time": 1e9,
    "write_computation_times": False,
}

html_theme = "furo"
html_title = f"posenet3d {release}"
html_static_path = ["_static"]
html_css_files = ["posenet3d.css"]
html_show_sphinx = False
html_math_renderer = "mathml"
html_theme_options = {"navigation_with_keys": True}
