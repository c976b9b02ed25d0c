# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module's run as the controller sees it: what it costs to put it together, and what is an answer."""

from __future__ import annotations

import contextlib
import functools
import gc
import pkgutil
from collections.abc import Iterator
from typing import Any, Callable

from ansible.constants import DEFAULT_KEEP_REMOTE_FILES
from ansible.errors import AnsibleAction, AnsibleConnectionFailure, AnsibleError
from ansible.plugins.connection import ConnectionBase


@contextlib.contextmanager
def packing() -> Iterator[None]:
    """Make it cheap, for as long, to put a module together; also a decorator.

    Ansible parses every file that goes into a module, which makes so many objects that Python's garbage collector walks
    all of Ansible again and again: half of the time that it takes. So the collector is left alone; a worker ends with
    its task, and so does what it left, which is set aside at the end, for the collector would walk it once more. And
    Ansible asks for a file anew for every name that is imported from it, in vain for those that are no file: what it
    was told once, it is told again.
    """
    collects, get_data = gc.isenabled(), pkgutil.get_data
    gc.disable()
    pkgutil.get_data = functools.cache(get_data)
    try:
        yield
    finally:
        pkgutil.get_data = get_data
        if collects:
            gc.freeze()
            gc.enable()


@contextlib.contextmanager
def handed_over(connection: ConnectionBase) -> Iterator[None]:
    """Give a module straight to its interpreter for as long, rather than as a file in the account of the host.

    One command instead of five, and a look leaves nothing even for a while. Where pipelining is set, by whatever means,
    that counts; with become all is as it is set, for sudo may want a terminal.
    """
    try:
        was, origin = connection.get_option_and_origin("pipelining")
    except KeyError:  # a connection that knows none
        was, origin = None, ""
    ours = origin == "default" and not connection.become and not DEFAULT_KEEP_REMOTE_FILES
    if ours:
        connection.set_option("pipelining", True)
    try:
        yield
    finally:
        if ours:
            connection.set_option("pipelining", was)


def answered(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What the work came to; where Ansible itself could not have it done, such as by a become that fails, a failure.

    So that it is one row of a report like any other. A host that cannot be reached is left to Ansible.
    """
    try:
        return work()
    except (AnsibleAction, AnsibleConnectionFailure):
        raise
    except AnsibleError as problem:
        return {"failed": True, "changed": False, "action": "failed", "msg": str(problem)}
