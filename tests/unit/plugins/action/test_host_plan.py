# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of the look: what it refuses before a host is looked at."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError

from ansible_collections.agfpd.iapeer_memory.plugins.action.host_plan import ActionModule


def action(variables: dict[str, Any], problem: AnsibleError, tags: tuple[str, ...] = ("always",)) -> dict[str, Any]:
    """What comes of a look that ends with this problem as soon as it reaches its host."""
    task = SimpleNamespace(args={}, check_mode=False, async_val=0, diff=False, action="host_plan", tags=list(tags))
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None), has_pipelining=True, become=None)
    plan = ActionModule(task, connection, SimpleNamespace(), None, SimpleNamespace(), None)

    def reach(*_args: Any, **_more: Any) -> Any:
        raise problem

    plan._execute_module = reach
    result: dict[str, Any] = plan.run(None, variables)
    return result


REACHED = AnsibleError("Missing sudo password")


@pytest.mark.parametrize(
    ("variables", "tags", "told"),
    [
        ({}, ("always",), "Missing sudo password"),
        ({"ansible_run_tags": ["all"], "ansible_skip_tags": []}, ("always",), "Missing sudo password"),
        ({"ansible_run_tags": ["tagged"]}, ("always",), "Missing sudo password"),
        ({"ansible_run_tags": ["memory"]}, ("always", "memory"), "Missing sudo password"),
        ({"ansible_skip_tags": ["theirs"]}, ("always",), "Missing sudo password"),
        ({"ansible_run_tags": ["surfaces", "slot"]}, ("always",), "--tags slot, surfaces: the steps depend"),
        ({"ansible_run_tags": ["memory"]}, ("always",), "--tags memory: the steps depend"),
        ({"ansible_skip_tags": ["surfaces", "x"]}, ("always",), "--skip-tags surfaces: the steps depend"),
    ],
)
def test_a_part_of_the_steps_is_refused_and_all_of_them_are_not(
    variables: dict[str, Any], tags: tuple[str, ...], told: str
) -> None:
    done = action(variables, REACHED, tags)
    assert (done["next"], done["changed"]) == ("report", False)
    assert done["stopped"].startswith(told)


def test_a_host_that_cannot_be_reached_is_left_to_ansible() -> None:
    with pytest.raises(AnsibleConnectionFailure):
        action({}, AnsibleConnectionFailure("no route to host"))
