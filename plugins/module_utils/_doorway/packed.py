# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How Python imports what Ansible packs with a module into one archive."""

from __future__ import annotations

import gc
import os
import sys
import zipimport
from typing import Any


class OnceImporter(zipimport.zipimporter):
    """An importer that tells where a file is without compiling it.

    Python's own compiles a file to tell that, throws the result away, and compiles it again to run it. Where a module
    has little to do, compiling is most of what it costs the host.
    """

    def get_filename(self, fullname: str) -> str:
        """Where the source of a module is, in the archive; ZipImportError where it has none of that name."""
        inside = f"{os.sep}__init__.py" if self.is_package(fullname) else ".py"
        return f"{self.archive}{os.sep}{self.prefix}{fullname.rpartition('.')[2]}{inside}"


def begin() -> None:
    """From here on import the rest of the archive that this file came in by OnceImporter, and collect no garbage.

    What is imported stays: Python's collector would walk it again and again in vain. Without an archive, do nothing.
    """
    archive = _archive()
    if archive is None:
        return

    def is_inside(path: str) -> bool:
        return path == archive or path.startswith(archive + os.sep)

    def importer(path: str) -> Any:
        if not is_inside(path):
            raise ImportError(f"not in {archive}", path=path)
        return OnceImporter(path)

    sys.path_hooks.insert(0, importer)
    for path in filter(is_inside, list(sys.path_importer_cache)):  # what was imported from them so far stays as it is
        del sys.path_importer_cache[path]
    gc.disable()


def end() -> None:
    """All is imported: collect garbage again, but of what comes from here on."""
    if _archive() is not None:
        gc.freeze()
        gc.enable()


def _archive() -> str | None:
    """The archive that this file came in; None where it came in none."""
    loader: object = __spec__.loader if __spec__ else None
    return loader.archive if isinstance(loader, zipimport.zipimporter) else None
