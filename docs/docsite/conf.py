# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx, for the pages that antsibull-docs writes (make docs)."""

from __future__ import annotations

project = title = html_title = "agfpd.iapeer_memory"
copyright = "the agfpd.iapeer_memory contributors"
extensions = ["sphinx_antsibull_ext"]
pygments_style = "ansible"
highlight_language = "YAML+Jinja"
html_theme = "sphinx_ansible_theme"
html_theme_options = {"documentation_home_url": "https://github.com/agfpd/iapeer-memory-ansible"}
html_show_sphinx = False
html_use_index = False
html_copy_source = False
default_role = "any"
# No inventory of other sites is fetched, so a reference to a page of Ansible's own leads nowhere here.
nitpicky = False
suppress_warnings = ["ref.any", "ref.ref"]
