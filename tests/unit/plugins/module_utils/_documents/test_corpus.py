# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The corpus: whole files as found in the wild and worse, each with its wanted outcome in cases.yaml."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import tomlkit
import yaml

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._documents import (
    json_document,
    json_spans,
    toml_document,
)
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._documents.errors import DocumentError, decode

try:
    import tomllib
except ImportError:  # before Python 3.11
    tomllib = None  # type: ignore[assignment]

CORPUS = Path(__file__).resolve().parents[4] / "corpus"
CASES: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load((CORPUS / "cases.yaml").read_text(encoding="utf-8"))

SERVER = {
    "type": "http",
    "url": "http://127.0.0.1:8766/mcp",
    "headers": {"X-IAPeer-Identity": "${PEER_IDENTITY:-claude-alpha}"},
}
ENTRY = {
    "matcher": "Write|Edit|MultiEdit|Bash",
    "hooks": [{"type": "command", "command": "/hooks/iapeer-memory.post-write.sh"}],
}
NAMESPACE = ("mcp_servers", "iapeer-memory")
TABLES = (
    (
        NAMESPACE,
        (
            ("url", "http://127.0.0.1:8766/mcp"),
            ("default_tools_approval_mode", "approve"),
            ("bearer_token_env_var", "IAPEER_BEARER"),
        ),
    ),
    ((*NAMESPACE, "env_http_headers"), (('"X-IAPeer-Identity"', "PEER_IDENTITY"),)),
)
BLOCK = """\
[mcp_servers.iapeer-memory]
url = "http://127.0.0.1:8766/mcp"
default_tools_approval_mode = "approve"
bearer_token_env_var = "IAPEER_BEARER"

[mcp_servers.iapeer-memory.env_http_headers]
"X-IAPeer-Identity" = "PEER_IDENTITY"
"""
WANTED = {
    "url": "http://127.0.0.1:8766/mcp",
    "default_tools_approval_mode": "approve",
    "bearer_token_env_var": "IAPEER_BEARER",
    "env_http_headers": {"X-IAPeer-Identity": "PEER_IDENTITY"},
}


def cases(language: str, *outcomes: str) -> pytest.MarkDecorator:
    """The cases with one of *outcomes*, each a test named after its file."""
    chosen = {name: case for name, case in CASES[language].items() if case["outcome"] in outcomes}
    assert chosen
    return pytest.mark.parametrize(("name", "case"), list(chosen.items()), ids=list(chosen))


def content(language: str, name: str, case: dict[str, Any]) -> bytes:
    """The bytes of a file of the corpus, in the line ends and the encoding of its case."""
    data = (CORPUS / language / name).read_bytes()
    if case.get("crlf"):
        data = data.replace(b"\n", b"\r\n")
    return data.decode("utf-8").encode(case.get("encoding", "utf-8"))


def ours(entry: dict[str, Any]) -> bool:
    return any(hook["command"].rpartition("/")[2].startswith("iapeer-memory.") for hook in entry["hooks"])


def with_ours(value: dict[str, Any]) -> dict[str, Any]:
    after = copy.deepcopy(value)
    after.setdefault("mcpServers", {})["iapeer-memory"] = SERVER
    entries = after.setdefault("hooks", {}).setdefault("PostToolUse", [])
    if ENTRY not in entries:
        entries[:] = [entry for entry in entries if not ours(entry)] + [ENTRY]
    return after


def without_ours(value: dict[str, Any]) -> dict[str, Any]:
    after = copy.deepcopy(value)
    after.get("mcpServers", {}).pop("iapeer-memory", None)
    hooks = after.get("hooks", {})
    hooks["PostToolUse"] = [entry for entry in hooks.get("PostToolUse", []) if not ours(entry)]
    for table, key in ((hooks, "PostToolUse"), (after, "hooks"), (after, "mcpServers")):
        if not table.get(key):
            table.pop(key, None)
    return after


def foreign_members(data: bytes) -> list[bytes]:
    """The exact bytes of every top-level member that is not one we edit."""
    text = decode(data)
    parts = json_spans.scan(text).parts
    return [text[part.start : part.node.end].encode() for part in parts if part.key not in ("hooks", "mcpServers")]


@pytest.mark.parametrize("language", ["json", "toml"])
def test_every_file_has_a_case_and_every_case_a_file(language: str) -> None:
    files = {path.name for path in (CORPUS / language).iterdir()}
    assert files == set(CASES[language])
    assert all(name.startswith(f"{case['outcome']}-") for name, case in CASES[language].items())


def test_the_corpus_is_large_enough() -> None:
    assert sum(map(len, CASES.values())) >= 60


@cases("json", "refused")
def test_json_refused(name: str, case: dict[str, Any]) -> None:
    data = content("json", name, case)
    for attempt in (lambda: json_document.load(data), lambda: json_document.dump_like(data, {})):
        with pytest.raises(DocumentError) as refusal:
            attempt()
        assert (refusal.value.reason, refusal.value.place) == (case["reason"], case["place"])


@cases("json", "loads")
def test_json_loads_and_takes_a_member_elsewhere(name: str, case: dict[str, Any]) -> None:
    data = content("json", name, case)
    value = json_document.load(data)
    assert json_document.dump_like(data, value) is data
    with pytest.raises((AttributeError, TypeError)):
        with_ours(value)
    after = json_document.dump_like(data, {**value, "added": True})
    assert json_document.load(after) == {**value, "added": True}
    assert json_document.dump_like(after, value) == data


@cases("json", "merged")
def test_json_merged(name: str, case: dict[str, Any]) -> None:
    data = content("json", name, case)
    value = json_document.load(data)
    result = json_document.dump_like(data, with_ours(value))
    assert json_document.load(result) == with_ours(value)
    assert [member for member in foreign_members(data) if member not in result] == []
    assert result.endswith(b"\n") == data.endswith(b"\n")
    assert result.count(b"\n") == result.count(b"\r\n") or not case.get("crlf")
    if "gives" in case:
        assert result.decode().replace("\r", "") == case["gives"]
    assert json_document.dump_like(result, with_ours(json_document.load(result))) is result
    assert json_document.dump_like(result, value) == data


@cases("json", "already")
def test_json_already(name: str, case: dict[str, Any]) -> None:
    data = content("json", name, case)
    assert json_document.dump_like(data, with_ours(json_document.load(data))) is data


@cases("json", "removed")
def test_json_removed(name: str, case: dict[str, Any]) -> None:
    data = content("json", name, case)
    value = json_document.load(data)
    assert without_ours(value) != value
    assert json_document.dump_like(data, without_ours(value)).decode() == case["gives"]


@pytest.fixture(params=["own scanner", "tomllib"] if tomllib else ["own scanner"])
def _opinion(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every case without the second opinion of tomllib, and with it where there is one."""
    if request.param == "own scanner":
        monkeypatch.setattr(toml_document, "_tomllib", None)


def agreed(data: bytes) -> None:
    """Independent parsers find our tables in *data*."""
    if tomllib:
        assert tomllib.loads(data.decode())["mcp_servers"]["iapeer-memory"] == WANTED
    assert tomlkit.parse(data).unwrap()["mcp_servers"]["iapeer-memory"] == WANTED


@pytest.mark.usefixtures("_opinion")
@cases("toml", "refused")
def test_toml_refused(name: str, case: dict[str, Any]) -> None:
    data = content("toml", name, case)
    for attempt in (
        lambda: toml_document.read(data, NAMESPACE),
        lambda: toml_document.replace(data, NAMESPACE, TABLES),
        lambda: toml_document.remove(data, NAMESPACE),
    ):
        with pytest.raises(DocumentError) as refusal:
            attempt()
        assert (refusal.value.reason, refusal.value.place) == (case["reason"], case["place"])


@pytest.mark.usefixtures("_opinion")
@cases("toml", "merged")
def test_toml_merged(name: str, case: dict[str, Any]) -> None:
    data = content("toml", name, case)
    assert toml_document.read(data, NAMESPACE) is None
    assert toml_document.remove(data, NAMESPACE) is data
    result = toml_document.replace(data, NAMESPACE, TABLES)
    assert toml_document.read(result, NAMESPACE) == WANTED
    eol = "\r\n" if case.get("crlf") else "\n"
    block = BLOCK.replace("\n", eol)
    if data.endswith(b"\n"):
        assert result == data + (eol + block).encode()
    elif data:
        assert result == data + (eol + eol + block[: -len(eol)]).encode()
    assert toml_document.replace(result, NAMESPACE, TABLES) == result
    assert toml_document.remove(result, NAMESPACE) == data
    agreed(result)


@pytest.mark.usefixtures("_opinion")
@cases("toml", "already")
def test_toml_already(name: str, case: dict[str, Any]) -> None:
    data = content("toml", name, case)
    assert toml_document.read(data, NAMESPACE) == WANTED
    assert toml_document.replace(data, NAMESPACE, TABLES) == data
    agreed(data)


@pytest.mark.usefixtures("_opinion")
@cases("toml", "replaced")
def test_toml_replaced(name: str, case: dict[str, Any]) -> None:
    data = content("toml", name, case)
    assert toml_document.read(data, NAMESPACE) is not None
    foreign = toml_document.remove(data, NAMESPACE)
    eol = b"\r\n" if case.get("crlf") else b"\n"
    assert foreign == case["foreign"].encode().replace(b"\n", eol)
    assert toml_document.read(foreign, NAMESPACE) is None
    result = toml_document.replace(data, NAMESPACE, TABLES)
    assert result != data
    assert result == toml_document.replace(foreign, NAMESPACE, TABLES)
    assert toml_document.read(result, NAMESPACE) == WANTED
    assert toml_document.remove(result, NAMESPACE) == foreign
    agreed(result)
