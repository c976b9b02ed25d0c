# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run over a fleet: its batches, and what is told of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.conditions import LOST, WAITING
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.report import Report, Row
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.runs import (
    Batch,
    Context,
    Run,
    Told,
    context_of,
    document,
    fleet,
    lacking,
    run_of,
    told_of,
)

HOSTS = ("ada", "bob", "cyd", "dot")
REPORT = Report("ada", "update", "1.2.0", False, (Row("slot", "changed", "written"),))


def run(**other: Any) -> Run:
    return Run(
        **{
            "run": "r1",
            "playbook": "update",
            "check_mode": False,
            "time": "T0",
            "clock": 1.0,
            "hosts": list(HOSTS),
            **other,
        }
    )


def context(*batch: str, active: tuple[str, ...] = HOSTS) -> Context:
    return Context("r1", HOSTS, active, batch, HOSTS)


def test_the_last_host_of_a_batch_knows_that_it_is_the_last() -> None:
    whole = run()
    assert [whole.take(host, context("ada", "bob")) for host in ("bob", "ada")] == [False, True]
    assert [whole.take(host, context("cyd", "dot")) for host in ("cyd", "dot")] == [False, True]
    assert whole.batches == [Batch(["ada", "bob"], ["bob", "ada"]), Batch(["cyd", "dot"], ["cyd", "dot"])]
    assert [whole.batch_of(host) for host in (*HOSTS, "eve")] == [1, 1, 2, 2, 0]


def test_all_tasks_of_a_run_have_its_id_and_those_of_the_next_another() -> None:
    play = {"ansible_play_hosts_all": ["a", "b"], "ansible_play_hosts": ["a"], "ansible_play_batch": ["a"]}
    found = [
        context_of(task, {**play, "groups": {"all": ["a", "b", "c"]}}) for task in ("m-1-r-1", "m-1-r-2", "m-1-s-1")
    ]
    assert found[0].run == found[1].run != found[2].run
    assert found[0][1:] == (("a", "b"), ("a",), ("a",), ("a", "b", "c"))
    assert context_of("m-1-r-1", {})[1:] == ((), (), (), ())


def test_a_batch_does_not_wait_for_hosts_that_were_lost_on_the_way() -> None:
    """As under the strategy free: who failed is not among those at it any more."""
    whole = run()
    assert not whole.take("ada", context("ada", "bob", "cyd"))
    assert whole.take("bob", context("ada", "bob"))
    assert whole.batches == [Batch(["ada", "bob", "cyd"], ["ada", "bob"])]


def test_a_second_play_over_the_same_hosts_is_a_batch_of_its_own() -> None:
    whole = run()
    for _play in range(2):
        assert [whole.take(host, context("ada", "bob")) for host in ("ada", "bob")] == [False, True]
    assert [whole.batch_of(host) for host in ("ada", "bob")] == [2, 2]


def test_what_is_kept_of_a_run_comes_back() -> None:
    whole = run(made=2.5, cost=0.5)
    whole.take("ada", context("ada", "bob"))
    assert run_of(whole.text().encode()) == whole


@pytest.mark.parametrize("data", [None, b"", b"null", b"{", b"[]", b'{"run": "r1"}', b'{"batches": [{}]}', b"\xff"])
def test_what_is_no_run_is_none(data: bytes | None) -> None:
    assert run_of(data) is None


def test_a_run_is_one_playbooks() -> None:
    whole = run()
    assert whole.is_of(context(), REPORT)
    assert not whole.is_of(context(), REPORT._replace(playbook="verify"))
    assert not whole.is_of(context()._replace(run="r2"), REPORT)


def told(**other: Any) -> bytes:
    return json.dumps({**document(REPORT, "T1", "r1"), **other}).encode()


def test_a_report_is_read_back() -> None:
    assert told_of(told(), "ada", run()) == Told(REPORT, "T1", True)
    stand_in = document(lacking("bob", run(), context()), "T0", "r1")
    assert told_of(json.dumps(stand_in).encode(), "bob", run()) == Told(lacking("bob", run(), context()), "T0", False)


@pytest.mark.parametrize(
    "data",
    [
        *(None, b"", b"{", b"null", b"[]", b"\xff", told(run="r0"), told(host="bob"), told(playbook="verify")),
        *(told(steps=None), told(steps=[{}]), told(steps=["x"]), told(steps={"name": "x"})),
        told(steps=[{"name": "x", "status": "fine", "detail": ""}]),
    ],
)
def test_what_is_not_this_runs_report_of_this_host_is_none(data: bytes | None) -> None:
    assert told_of(data, "ada", run()) is None


def test_what_stands_in_for_a_report_says_why_there_is_none() -> None:
    assert lacking("bob", run(), context()).rows == (Row("report", "fail", WAITING),)
    assert lacking("bob", run(), context(active=("ada",))).rows == (Row("report", "fail", LOST),)


def test_the_fleet_tells_every_host_with_its_state_reason_and_batch() -> None:
    whole = run(hosts=["ada", "bob"])
    whole.take("ada", context("ada"))
    reports = {"ada": Told(REPORT, "T1", True), "bob": Told(lacking("bob", whole, context()), "T0", False)}
    assert fleet(whole, reports, {"ada": "ada.json", "bob": "bob.json"}, "T2") == {
        "run": "r1",
        "playbook": "update",
        "check_mode": False,
        "time": "T0",
        "updated": "T2",
        "counts": {"unreachable": 0, "failed": 0, "drifted": 0, "changed": 1, "clean": 0, "not begun": 1},
        "batches": [{"batch": 1, "hosts": ["ada"]}],
        "hosts": [
            {
                **{"host": "ada", "state": "changed", "step": "slot", "reason": "slot", "version": "1.2.0"},
                **{"time": "T1", "batch": 1, "report": "ada.json"},
            },
            {
                **{"host": "bob", "state": "not begun", "step": "report", "reason": WAITING, "version": ""},
                **{"time": "T0", "batch": None, "report": "bob.json"},
            },
        ],
    }
