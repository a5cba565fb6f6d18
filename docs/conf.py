"""The documentation site: `make site`. The pages are Markdown that reads as well on the forge."""

from importlib.metadata import version as version_of

project = "pytest-k1n"
author = "The pytest-k1n developers"
copyright = author
release = version_of("pytest-k1n")
version = ".".join(release.split(".")[:2])

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]
nitpicky = True
exclude_patterns = []

html_theme = "furo"
html_title = "pytest-k1n"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
pygments_style = "friendly"
pygments_dark_style = "monokai"
