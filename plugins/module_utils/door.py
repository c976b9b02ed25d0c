# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The door between Ansible and the work: options every module takes, and how results and problems leave."""

from __future__ import annotations

import os
import sys
import traceback
import typing as t
from collections.abc import Mapping

OLDEST_PYTHON = (3, 9)
if sys.version_info[:2] < OLDEST_PYTHON:
    raise ImportError(
        f"a host needs Python {'.'.join(map(str, OLDEST_PYTHON))} or newer, "
        f"and this is {'.'.join(map(str, sys.version_info[:3]))}"
    )

from ._doorway import packed

packed.begin()

from ._doorway.problem import Problem
from ._doorway.spelling import native
from ._host.host import HOST_OPTIONS, Host, open_host
from ._host.results import FAILED, Result, stopped

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

# What a module does: host, options, check mode -> result.
Work = t.Callable[[Host, Mapping[str, t.Any], bool], Result]
# The option of the modules that can be told whom to look at instead of reading the fleet map.
PEERS: dict[str, t.Any] = {
    "type": "list",
    "elements": "dict",
    "options": {
        "personality": {"type": "str", "required": True},
        "cwd": {"type": "str", "required": True},
        "runtimes": {"type": "list", "elements": "str", "default": []},
    },
}
# The option of the modules that write what the installed provider writes.
FORMS: dict[str, t.Any] = {"choices": ["auto", "bundled"], "default": "auto"}


def host_arguments(**own: t.Any) -> dict[str, t.Any]:
    """The argument spec of a module: its own options and those that every module takes."""
    return {**{name: {"type": "path"} for name in HOST_OPTIONS}, **own}


def run(module: AnsibleModule, work: Work, only_looks: bool = False) -> None:
    """Do the work and leave through exit_json or fail_json.

    What the sandbox refused is a skip; what stands in the way on the host is one message that names it, and so is what
    breaks in here. only_looks: work that changes nothing, and so may be done where nobody can tell where things are.
    """
    packed.end()
    environ = {native(name): native(value) for name, value in os.environ.items()}
    try:
        host = open_host(module.params, environ)
        if not only_looks:
            host.require_places()
        done = work(host, module.params, module.check_mode)
    except Problem as problem:
        done = stopped(problem)
    except Exception as error:  # a bug
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{os.path.basename(place.filename)}, line {place.lineno}"
        words = f"it broke: {type(error).__name__}: {error} ({where}): please report it"
        done = Result(FAILED, words, failure=words, data={"exception": traceback.format_exc()})
    result = done.as_dict(with_diff=module._diff and bool(done.diff))
    if result.get("refused"):
        result["skipped"] = True
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)
