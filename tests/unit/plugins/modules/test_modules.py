# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules as Ansible runs them: options, messages, check mode, diff, and that no traceback reaches a user."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.agfpd.iapeer_memory.plugins.doc_fragments.host import ModuleDocFragment
from ansible_collections.agfpd.iapeer_memory.tests.fixtures import throwaway
from ansible_collections.agfpd.iapeer_memory.tests.unit.modules import PACKAGE, run_main, specification
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import Place

REQUIRED: dict[str, dict[str, Any]] = {
    "fleet_map": {},
    "host_setup": {"vault_path": "/nowhere/vault"},
    "legacy_plugin_off": {},
    "memory_host_info": {},
    "memory_slot": {"version": "1.4.0"},
    "memoryd_restart": {},
    "native_memory": {"enabled": False},
    "notifier_trigger": {"kind": "event", "id": "x", "script": "/x", "target": "scriber"},
    "peer_surfaces": {},
    "provider_files": {"part": "launcher"},
    "role_descriptions": {},
    "role_doctrines": {"version": "1.4.0"},
    "wake_policy": {},
}
MODULES = sorted(REQUIRED)
ANSIBLES_OWN = {"rc", "failed", "invocation", "msg", "skipped"}


@pytest.fixture
def account(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A host that is the account of this process, with the stand-in core."""
    for name, value in place.environ().items():
        monkeypatch.setenv(name, value)
    throwaway.install("core", place.home / ".local" / "bin" / "iapeer", sys.executable)
    place.registry(place.row("alpha", "claude"))
    place.peer("alpha")
    return place


def docs(name: str) -> dict[str, Any]:
    """The documentation of a module."""
    return dict(yaml.safe_load(importlib.import_module(f"{PACKAGE}.{name}").DOCUMENTATION))


@pytest.mark.parametrize("name", MODULES)
def test_every_option_is_documented_as_it_is(name: str) -> None:
    spec = specification(name)["argument_spec"]
    written = {**yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"], **docs(name).get("options", {})}
    for fragment in ("PEERS", "FORMS"):
        if f"agfpd.iapeer_memory.host.{fragment.lower()}" in docs(name)["extends_documentation_fragment"]:
            written.update(yaml.safe_load(getattr(ModuleDocFragment, fragment))["options"])
    assert set(spec) == set(written)
    for option, argument in spec.items():
        assert written[option]["type"] == argument.get("type", "str"), option
        assert written[option].get("default") == argument.get("default"), option
        assert written[option].get("choices") == argument.get("choices"), option
        assert written[option].get("required", False) == argument.get("required", False), option
        assert written[option]["description"], option


@pytest.mark.parametrize("name", MODULES)
def test_every_module_supports_check_mode_and_names_the_shared_options(name: str) -> None:
    spec = specification(name)
    assert spec["supports_check_mode"] is True
    assert {"iapeer_root", "config_file", "state_dir", "binary_path", "iapeer_bin"} <= set(spec["argument_spec"])


@pytest.mark.parametrize("name", MODULES)
def test_examples_and_returns_are_valid_and_use_the_full_name(name: str) -> None:
    module = importlib.import_module(f"{PACKAGE}.{name}")
    for task in yaml.safe_load(module.EXAMPLES):
        used = [key for key in task if key.startswith("agfpd.")]
        assert set(used) <= {f"agfpd.iapeer_memory.{name}"}
    for example in [task for task in yaml.safe_load(module.EXAMPLES) if f"agfpd.iapeer_memory.{name}" in task]:
        assert set(example[f"agfpd.iapeer_memory.{name}"] or {}) <= set(specification(name)["argument_spec"])
    assert {"action", "detail"} <= set(yaml.safe_load(module.RETURN))


def undescribed(values: dict[str, Any], name: str = "") -> list[str]:
    """The return values, at any depth, that lack a description, a type, or both contains and a sample."""
    bad = [
        f"{name}{key}"
        for key, value in values.items()
        if not (value.get("description") and value.get("type") and ("sample" in value or value.get("contains")))
    ]
    return bad + [item for key, value in values.items() for item in undescribed(value.get("contains", {}), f"{key}.")]


def undocumented(result: Any, values: dict[str, Any], name: str = "") -> list[str]:
    """The keys of a result, at any depth, that the documentation does not name."""
    if isinstance(result, list):
        return [item for entry in result for item in undocumented(entry, values, name)]
    if not isinstance(result, dict) or not values:
        return []
    bad = [f"{name}{key}" for key in result if key not in values]
    known = {key: values[key].get("contains", {}) for key in result if key in values}
    return bad + [item for key, below in known.items() for item in undocumented(result[key], below, f"{key}.")]


@pytest.mark.parametrize("name", [*MODULES, "provider_binary", "report"])
def test_every_return_value_is_described_key_by_key(name: str) -> None:
    assert undescribed(yaml.safe_load(importlib.import_module(f"{PACKAGE}.{name}").RETURN)) == []
    assert docs(name)["seealso"]


@pytest.mark.parametrize("name", MODULES)
def test_what_a_module_returns_is_documented(account: Place, name: str) -> None:
    account.fleet(alpha=["claude"], beta=["telegram"])
    account.manifest(index=account.peer("index"))
    account.template("index.md", "be index\n")
    values = yaml.safe_load(importlib.import_module(f"{PACKAGE}.{name}").RETURN)
    foretold = run_main(name, REQUIRED[name], check=True, diff=True)
    refused = run_main(name, {**REQUIRED[name], "state_dir": "here"})
    for result in (foretold, refused):
        own = {key: value for key, value in result.items() if key not in ANSIBLES_OWN}
        assert undocumented(own, values) == []


# Wrong options


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("memory_slot", {"version": "1", "state": "there"}, "state must be one of: present, absent, got: there"),
        ("memory_slot", {"version": "latest"}, "version must be a version such as 1.4.0, not 'latest'"),
        ("memory_slot", {"version": 1.1}, "version must be text, not the number 1.1: quote it, or 1.10 becomes 1.1"),
        ("memory_slot", {"version": "1", "migrate": "perhaps"}, "migrate"),
        ("memory_slot", {"version": "1", "binary_path": "/nowhere/x"}, "/nowhere/x: no such binary"),
        ("memory_slot", {"version": "1", "unheard": 1}, "Unsupported parameters"),
        ("fleet_map", {"iapeer_bin": "/nowhere/iapeer"}, "the core is missing: no /nowhere/iapeer"),
        ("fleet_map", {"state_dir": "here"}, "state_dir must be an absolute path, not 'here'"),
        ("fleet_map", {"iapeer_root": "here"}, "iapeer_root must be an absolute path, not 'here'"),
        ("peer_surfaces", {"port": 0}, "port must be from 1 to 65535, not 0"),
        ("peer_surfaces", {"port": 70000}, "port must be from 1 to 65535, not 70000"),
        ("peer_surfaces", {"port": "many"}, "port"),
        ("peer_surfaces", {"surfaces": ["all"]}, "value of surfaces must be one or more of: hooks, mcp, skills, trust"),
        ("peer_surfaces", {"peers": [{"personality": "x"}]}, "missing required arguments: cwd found in peers"),
        ("peer_surfaces", {"peers": [{"personality": "x", "cwd": "here"}]}, "must be an absolute path, not 'here'"),
        ("peer_surfaces", {"reference_dir": "/x", "skills": {"a": "b"}}, "mutually exclusive: reference_dir|skills"),
        ("peer_surfaces", {"reference_dir": "/nowhere", "peers": []}, "/nowhere: missing"),
        ("peer_surfaces", {"lock_timeout": "long"}, "lock_timeout"),
        ("legacy_plugin_off", {"method": "magic"}, "value of method must be one of: auto, core, native, got: magic"),
        ("notifier_trigger", {"kind": "event"}, "one of the following is required: standard, id"),
        ("notifier_trigger", {"id": "x"}, "missing parameter(s) required by 'id': kind"),
        ("notifier_trigger", {"standard": True, "kind": "event"}, "parameters are mutually exclusive: standard|kind"),
        ("notifier_trigger", {"standard": True, "wait": "nan"}, "wait must be a number of seconds from 0 on, not nan"),
        ("notifier_trigger", {"kind": "daily", "id": "x"}, "value of kind must be one of: event, time, got: daily"),
        ("notifier_trigger", {"kind": "event", "id": "x"}, "script, target must be given for a trigger"),
        ("notifier_trigger", {"kind": "event", "id": "x", "target": "y"}, "script must be given for a trigger"),
        ("notifier_trigger", {"kind": "time", "id": "x", "target": "y"}, "when, text must be given for a trigger"),
        ("notifier_trigger", {"kind": "event", "id": "", "target": "y"}, "id is empty: name the trigger"),
        ("role_doctrines", {"version": "new"}, "version must be a version such as 1.4.0, not 'new'"),
        ("role_doctrines", {"version": 1.1}, "version must be text, not the number 1.1: quote it, or 1.10 becomes 1.1"),
        ("role_doctrines", {"version": "1", "vault_path": "here"}, "vault_path must be an absolute path, not 'here'"),
        ("provider_files", {}, "missing required arguments: part"),
        ("provider_files", {"part": "all"}, "value of part must be one of: templates, launcher, guide, got: all"),
        ("provider_files", {"part": "templates", "templates": {"x": "y"}}, "templates: 'x' is none of index.md"),
        ("provider_files", {"part": "templates", "templates": {"index.md": 5}}, "templates: index.md must be text"),
        ("memoryd_restart", {"wait": "long"}, "wait"),
        ("memoryd_restart", {"hung_after": "long"}, "hung_after"),
        ("memory_host_info", {"config_file": "here"}, "config_file must be an absolute path, not 'here'"),
    ],
)
def test_wrong_options_give_one_clear_message_and_touch_nothing(
    account: Place, name: str, options: dict[str, Any], message: str, check: bool
) -> None:
    before = account.snapshot("calls.jsonl")
    done = run_main(name, options, check)
    assert (done["rc"], done["failed"]) == (1, True)
    assert message in done["msg"]
    assert "Traceback" not in json.dumps(done)
    assert "\n" not in done["msg"]
    assert account.snapshot("calls.jsonl") == before


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("option", ["iapeer_root", "config_file", "state_dir", "binary_path", "iapeer_bin"])
def test_every_module_refuses_a_relative_path_the_same_way(account: Place, name: str, option: str) -> None:
    before = account.snapshot()
    done = run_main(name, {**REQUIRED[name], option: "some/where"})
    assert (done["rc"], done["msg"]) == (1, f"{option} must be an absolute path, not 'some/where'")
    assert (done["changed"], done["action"]) == (False, "failed")
    assert account.snapshot() == before


# Plain runs


@pytest.mark.parametrize("name", MODULES)
def test_check_mode_of_every_module_changes_nothing_on_a_bare_host(account: Place, name: str) -> None:
    before = account.snapshot("calls.jsonl")
    done = run_main(name, REQUIRED[name], check=True)
    assert account.snapshot("calls.jsonl") == before
    assert isinstance(done["changed"], bool)
    assert done["action"]
    assert done["detail"]


def test_the_map_then_the_surfaces_then_the_slot(account: Place) -> None:
    core = {"iapeer_bin": str(account.home / ".local" / "bin" / "iapeer")}
    runs: list[tuple[str, dict[str, Any]]] = [
        ("fleet_map", {}),
        ("peer_surfaces", {}),
        ("memory_slot", {"version": "1.4.0"}),
        ("provider_files", {"part": "templates"}),
        ("provider_files", {"part": "launcher"}),
    ]
    for name, options in runs:
        foretold = run_main(name, {**core, **options}, check=True, diff=True)
        done = run_main(name, {**core, **options}, diff=True)
        assert (done["rc"], done["changed"]) == (0, True), done
        for key in ("changed", "action", "diff"):
            assert foretold[key] == done[key], (name, key)
        again = run_main(name, {**core, **options}, diff=True)
        assert (again["changed"], again.get("diff", [])) == (False, []), name
    assert (account.peer("alpha") / ".mcp.json").is_file()
    info = run_main("memory_host_info", core)
    assert (info["slot"]["form"], info["fleet"]["count"], info["config"]["ok"]) == ("v1_2", 1, True)


def test_a_diff_is_returned_only_with_diff(account: Place) -> None:
    assert "diff" not in run_main("memory_slot", {"version": "1.4.0"}, check=True)


def test_one_bad_surface_fails_the_module_with_the_records_of_all(account: Place) -> None:
    account.fleet(alpha=["claude"], beta=["claude"])
    bad = account.write(account.peer("alpha") / ".mcp.json", "[]")
    done = run_main("peer_surfaces", {})
    assert (done["rc"], done["failed"], done["changed"]) == (1, True, True)
    assert f"alpha:claude: mcp: {bad}: " in done["msg"]
    assert {record["personality"]: record["ok"] for record in done["results"]} == {"alpha": False, "beta": True}


@pytest.mark.parametrize("name", sorted({*REQUIRED, "host_plan"}))
def test_where_config_env_cannot_be_read_nothing_is_changed_anywhere(account: Place, name: str) -> None:
    account.configure("IAPEER_MEMORY_STATE_DIR=/elsewhere", "# caf\udce9")
    before = account.snapshot("calls.jsonl")
    result = run_main(name, REQUIRED.get(name, {}))
    assert account.snapshot("calls.jsonl") == before
    if name in ("memory_host_info", "host_plan"):
        assert (result["rc"], result["config"]["unread"].split(":")[0]) == (0, str(account.config_file))
    else:
        assert (result["rc"], result["kind"]) == (1, "unreadable")
        assert result["msg"].startswith(f"{account.config_file}: is not UTF-8 from byte ")


def test_a_refusal_of_the_sandbox_is_skipped_not_failed(account: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IAPEER_TEST_SANDBOX", "1")
    monkeypatch.setenv("IAPEER_ROOT", str(account.root))
    done = run_main("fleet_map", {})
    assert (done["rc"], done["skipped"], done["refused"], done["changed"]) == (0, True, True, False)
    assert done["action"] == "skipped"
    named = run_main("fleet_map", {"iapeer_bin": str(account.home / ".local" / "bin" / "iapeer")})
    assert (named["rc"], named["action"]) == (0, "written")


def test_a_tilde_in_a_path_option_is_expanded(account: Place) -> None:
    done = run_main("memory_host_info", {"state_dir": "~/elsewhere"})
    assert done["paths"]["state"] == str(Path(account.home) / "elsewhere")
