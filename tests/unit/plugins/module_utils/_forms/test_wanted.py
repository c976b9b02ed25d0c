# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which forms are wanted, how often a provider is asked for them, and what the step says."""

from __future__ import annotations

import os
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms import learned, memory, wanted
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.ahead import NOTHING
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.bundled import bundled
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.wanted import (
    ensure,
    forms_of_new,
    remembered_version,
    wanted_forms,
)
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.host import open_host
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.results import Result
from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import install_provider
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import snapshot
from ansible_collections.agfpd.iapeer_memory.tests.unit.provider_home import Home

ASKED = [("update",)]


def new_process(home: Home) -> list[Any]:
    """As if another module run began; returns what the provider was asked before."""
    asked, home.asked[:] = list(home.asked), []
    wanted._known.clear()
    return asked


def test_a_process_asks_once(home_of: Home) -> None:
    first = wanted_forms(home_of.host(), {})
    assert first.origin == "learned"
    assert wanted_forms(home_of.host(), {"forms": "auto"}) == first
    assert home_of.asked == ASKED


def test_a_converged_run_asks_nothing(home_of: Home) -> None:
    first = wanted_forms(home_of.host(), {}, keep=True)
    assert new_process(home_of) == ASKED
    assert wanted_forms(home_of.host(), {}) == first
    assert remembered_version(home_of.host()) == "7.1.0"
    assert new_process(home_of) == []
    assert remembered_version(home_of.host()) == "7.1.0"
    assert home_of.asked == []


def test_nothing_is_written_unless_it_may_be_kept(home_of: Home) -> None:
    before = snapshot(home_of.place.base)
    wanted_forms(home_of.host(), {})
    ensure(home_of.host(), {}, check=True)
    assert remembered_version(home_of.host()) == "7.1.0"
    assert snapshot(home_of.place.base) == before
    ensure(home_of.host(), {}, check=False)
    after = snapshot(home_of.place.base)
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    assert changed == {os.path.relpath(home_of.place.state / memory.FILE, home_of.place.base)}
    assert home_of.asked == ASKED


def test_what_is_kept_is_not_written_again(home_of: Home) -> None:
    ensure(home_of.host(), {}, check=False)
    before = snapshot(home_of.place.base)
    ensure(home_of.host(), {}, check=False)
    new_process(home_of)
    ensure(home_of.host(), {}, check=False)
    assert snapshot(home_of.place.base) == before


def test_another_binary_is_asked_anew(home_of: Home) -> None:
    wanted_forms(home_of.host(), {}, keep=True)
    home_of.install("7.2.0")
    assert remembered_version(home_of.host()) == ""
    assert wanted_forms(home_of.host(), {}, keep=True).version == "7.2.0"
    new_process(home_of)
    assert wanted_forms(home_of.host(), {}).version == "7.2.0"
    assert home_of.asked == []


def test_that_a_binary_cannot_is_asked_once(home_of: Home) -> None:
    home_of.install("1.0.0")
    host = home_of.host()
    done = ensure(host, {}, check=False)
    why = "update --skip-binary in a scratch: unknown flag: --skip-binary; exit code 2"
    data = {"origin": "bundled", "version": "1.0.0"}
    assert done == Result("skipped", f"bundled: {why}", data=data)
    assert new_process(home_of) == [("update",), ("version",)]
    remedy = f"as found before; remove {host.paths.state}/provider-forms.json to have it tried again"
    assert ensure(host, {}, check=False) == Result("skipped", f"bundled: {why} ({remedy})", data=data)
    assert remembered_version(host) == "1.0.0"
    assert home_of.asked == []


def test_what_may_do_better_another_time_is_not_kept(home_of: Home) -> None:
    home_of.script("exit 127\n")
    before = snapshot(home_of.place.base)
    wanted_forms(home_of.host(), {}, keep=True)
    assert snapshot(home_of.place.base) == before


def test_a_binary_that_changes_meanwhile_teaches_nothing_for_the_next_run(
    home_of: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = learned.study

    def study(host: Any) -> Any:
        lesson = plain(host)
        home_of.install("7.2.0")
        return lesson

    monkeypatch.setattr(wanted, "study", study)
    wanted_forms(home_of.host(), {}, keep=True)
    assert not (home_of.place.state / memory.FILE).exists()


def test_the_step_says_where_the_forms_are_from(home_of: Home) -> None:
    data = {"origin": "learned", "version": "7.1.0"}
    words = "learned from v7.1.0"
    assert ensure(home_of.host(), {}, check=True) == Result("learned", words, data=data)
    assert ensure(home_of.host(), {}, check=False) == Result("learned", words, data=data)
    assert new_process(home_of) == ASKED
    assert ensure(home_of.host(), {}, check=False) == Result("kept", words, data=data)
    assert home_of.asked == []


def test_where_nothing_can_be_kept_the_step_says_so_and_does_not_fail(home_of: Home) -> None:
    home_of.place.state.rmdir()
    done = ensure(home_of.host(), {}, check=False)
    assert (done.action, done.failure, done.changed) == ("learned", "", False)
    assert done.detail == f"learned from v7.1.0; not kept: {home_of.place.state}: missing"


def test_bundled_forms_can_be_asked_for(home_of: Home) -> None:
    options = {"forms": "bundled"}
    host = home_of.host()
    assert wanted_forms(host, options, keep=True) == bundled(host, "asked for")
    assert forms_of_new(host, options, str(home_of.place.binary)) == bundled(host, "asked for")
    done = ensure(host, options, check=False)
    assert done == Result("skipped", "bundled: asked for", data={"origin": "bundled", "version": ""})
    assert home_of.asked == []
    assert not (home_of.place.state / memory.FILE).exists()


def test_without_a_binary_the_bundled_forms_are_wanted(home_of: Home) -> None:
    home_of.place.binary.unlink()
    done = ensure(home_of.host(), {}, check=False)
    assert done.detail == f"bundled: no binary at {home_of.place.binary}"
    assert remembered_version(home_of.host()) == ""


@pytest.mark.parametrize("setting", ["IAPEER_MEMORY_LOCALE=xx", "IAPEER_MEMORY_MCP_PORT=70000"])
def test_a_host_with_a_setting_that_is_none_gets_the_bundled_forms(home_of: Home, setting: str) -> None:
    home_of.place.configure(setting)
    done = ensure(home_of.host(), {}, check=False)
    assert done.detail.startswith("bundled: not provisioned: IAPEER_MEMORY_")
    assert home_of.asked == []


def test_a_host_whose_vault_is_away_for_a_moment_still_knows_its_forms(home_of: Home) -> None:
    home_of.place.vault.rmdir()
    assert wanted_forms(home_of.host(), {}).origin == "learned"


def test_forms_of_a_binary_that_is_about_to_come_count_first(home_of: Home, tmp_path: Any) -> None:
    install_provider(tmp_path / "new", "7.2.0")
    new = forms_of_new(home_of.host(), {}, str(tmp_path / "new"))
    ahead = NOTHING._replace(forms=new)
    assert wanted_forms(home_of.host(), {}, ahead) == new
    done = ensure(home_of.host(), {}, check=True, ahead=ahead)
    assert done == Result("learned", "learned from v7.2.0", data={"origin": "learned", "version": "7.2.0"})
    assert wanted_forms(home_of.host(), {}).version == "7.1.0"


def test_a_refusal_of_the_sandbox_is_a_reason_and_not_kept(home_of: Home) -> None:
    environ = {**home_of.environ(), "IAPEER_TEST_SANDBOX": "1", "IAPEER_ROOT": str(home_of.place.root)}
    host = open_host({"iapeer_bin": "/fake/iapeer"}, environ)
    done = ensure(host, {}, check=False)
    assert done.detail == f"bundled: refused by the sandbox: {home_of.place.binary} was not named"
    assert (done.refused, done.failure) == (False, "")
    assert not (home_of.place.state / memory.FILE).exists()
    named = open_host({"iapeer_bin": "/fake/iapeer", "binary_path": str(home_of.place.binary)}, environ)
    assert ensure(named, {}, check=False).action == "learned"
    assert (home_of.place.state / memory.FILE).exists()
