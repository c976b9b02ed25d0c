# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sweep of all peers, and what the module makes of it (contract §5)."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.egress import Egress, Outcome, Process
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.folders import explain
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.running import read_text
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.content import skills_en, skills_ru
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._surfaces import (
    codex,
    peers,
    plan,
    seats,
    sweep,
)
from ansible_collections.agfpd.iapeer_memory.tests.unit.fakes import (
    MISSING,
    REFUSED,
    Call,
    StandIn,
    StillClock,
    Transcript,
    call,
    transcript,
)
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import Place


def ensure(place: Place, egress: Egress | None = None, check: bool = False, **options: Any) -> dict[str, Any]:
    """The module's work."""
    wanted = {"state": "present", "forms": "bundled", "lock_timeout": 1, **options}
    return peers.ensure(place.host(egress or stand_in(place)), wanted, check).as_dict(True)


def stand_in(place: Place) -> StandIn:
    """The stand-in core."""
    return StandIn(place.home, place.root, place.state)


def outcomes(done: dict[str, Any]) -> dict[str, str]:
    """personality:runtime:surface to action."""
    return {
        f"{record['personality']}:{record['runtime']}:{item['surface']}": item["action"]
        for record in done["results"]
        for item in record["outcomes"]
    }


def hooks_json(place: Place, name: str) -> Path:
    """The hooks of a Codex peer."""
    return place.base / "peers" / name / ".codex" / "hooks.json"


# A whole fleet


@pytest.mark.parametrize("threads", [0, 1, 8])
def test_threads_that_cannot_start_cost_no_result(place: Place, monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    place.fleet(**{f"p{n}": ["claude", "codex"] for n in range(20)})
    submit, started = sweep.ThreadPoolExecutor.submit, []

    def limited(pool: Any, *args: Any) -> Any:
        if len(started) >= threads:
            raise RuntimeError("can't start new thread")
        started.append(1)
        return submit(pool, *args)

    monkeypatch.setattr(sweep.ThreadPoolExecutor, "submit", limited)
    done = ensure(place)
    assert "failed" not in done
    assert (done["total"], set(outcomes(done).values())) == (40, {"written"})
    assert ensure(place)["in_place"] == 40


def test_a_crash_is_one_failed_seat(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.fleet(alpha=["claude"], beta=["claude"], gamma=["claude"])
    apply = sweep.apply_planned

    def crashing(tree: Any, planned: Any) -> Any:
        if "beta" in planned.path:
            raise ZeroDivisionError("a bug")
        return apply(tree, planned)

    monkeypatch.setattr(sweep, "apply_planned", crashing)
    done = ensure(place)
    assert "beta:claude: hooks: " in done["msg"]
    assert "crashed: ZeroDivisionError: a bug" in done["msg"]
    assert outcomes(done)["alpha:claude:mcp"] == outcomes(done)["gamma:claude:mcp"] == "written"


def test_what_is_in_place_costs_little(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer's eight files and the folders they are in are opened once, and equal documents are parsed once."""
    counts: dict[str, int] = {}

    def counted(owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def call(*args: Any, **more: Any) -> Any:
            counts[name] = counts.get(name, 0) + 1
            return real(*args, **more)

        monkeypatch.setattr(owner, name, call)

    def cost(peers: int) -> dict[str, int]:
        place.fleet(**{f"p{n}": ["codex", "claude"] for n in range(peers)})
        ensure(place)
        counts.clear()
        assert ensure(place, check=True)["in_place"] == 2 * peers
        return dict(counts)

    for owner, name in (
        *((os, "open"), (os, "stat"), (os.path, "realpath")),
        *((plan.json_document, "load"), (codex.toml_document, "read")),
    ):
        counted(owner, name)
    few, many = cost(5), cost(25)
    assert {name: (many[name] - few[name]) / 20 for name in many} == {
        **{"open": 16, "stat": 9},  # the folder, seven below it and eight files; the files and settings.local.json
        **dict.fromkeys(("realpath", "load", "read"), 0),
    }


def test_seats_without_changes_take_no_thread(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.fleet(**{f"p{n}": ["claude", "codex"] for n in range(5)})
    ensure(place)
    monkeypatch.delattr(sweep.ThreadPoolExecutor, "submit")
    for check in (True, False):
        assert ensure(place, check=check)["in_place"] == 10


def test_every_surface_of_every_peer_lands_in_one_run(place: Place) -> None:
    place.fleet(alpha=["claude"], beta=["codex"], gamma=["codex", "telegram", "claude"], delta=["telegram"])
    place.registry(place.row("beta", "codex"))
    done = ensure(place)
    assert (done["changed"], done["action"], done["total"], done["in_place"]) == (True, "written", 4, 0)
    assert outcomes(done) == {
        f"{seat}:{surface}": "written"
        for seat, names in {
            "alpha:claude": ("hooks", "mcp", "skills"),
            "beta:codex": ("hooks", "mcp", "trust"),
            "gamma:claude": ("hooks", "mcp", "skills"),
            "gamma:codex": ("hooks", "mcp", "trust"),
        }.items()
        for surface in names
    }
    assert done["skipped_peers"] == [{"personality": "delta", "reason": "no session runtime"}]
    assert done["detail"] == "4 peer-runtimes, 4 written, 1 peers skipped, hook shims written"
    for shim in ("iapeer-memory.post-write.sh", "iapeer-memory.session-start.sh"):
        assert (place.hooks / shim).stat().st_mode & 0o777 == 0o755
    assert not (place.state / "provision.lock.d").exists()


def test_a_second_run_changes_nothing_and_returns_only_counts(place: Place) -> None:
    place.fleet(alpha=["claude"], beta=["codex"])
    ensure(place)
    before = place.snapshot("calls.jsonl")
    egress = stand_in(place)
    done = ensure(place, egress)
    assert (done["changed"], done["action"], done["results"], done["diff"]) == (False, "already", [], [])
    assert (done["in_place"], done["total"], done["detail"]) == (2, 2, "2 peer-runtimes")
    assert place.snapshot("calls.jsonl") == before
    assert [item[1:2] + item[3:] for item in egress.calls] == [("trust-hooks", "--check")]


def test_all_results_returns_what_is_in_place_too(place: Place) -> None:
    place.fleet(alpha=["claude"])
    ensure(place)
    done = ensure(place, all_results=True)
    assert outcomes(done) == {f"alpha:claude:{name}": "already" for name in ("hooks", "mcp", "skills")}


def test_removal_is_the_mirror_for_all_peers(place: Place) -> None:
    place.fleet(alpha=["claude"], beta=["codex"])
    ensure(place)
    foretold = ensure(place, Transcript(), check=True, state="absent")
    done = ensure(place, Transcript(), state="absent")
    assert foretold == done
    assert (done["changed"], done["action"]) == (True, "removed")
    assert outcomes(done) == {
        **{f"alpha:claude:{name}": "removed" for name in ("hooks", "mcp", "skills")},
        **{f"beta:codex:{name}": "removed" for name in ("hooks", "mcp")},
    }
    again = ensure(place, Transcript(), state="absent")
    assert (again["changed"], again["action"], again["results"]) == (False, "absent", [])


def test_one_bad_peer_does_not_stop_the_others_and_is_named(place: Place) -> None:
    place.fleet(alpha=["claude"], beta=["claude"])
    settings = place.write(place.peer("alpha") / ".claude" / "settings.json", '{"hooks": []}')
    done = ensure(place)
    assert (done["failed"], done["changed"], done["action"]) == (True, True, "failed")
    assert done["msg"] == f"alpha:claude: hooks: {settings}: not an object (hooks)"
    found = outcomes(done)
    assert found["alpha:claude:hooks"] == "failed"
    assert found["alpha:claude:mcp"] == found["beta:claude:hooks"] == "written"
    assert [record["ok"] for record in done["results"]] == [False, True]
    assert settings.read_text() == '{"hooks": []}'
    settings.unlink()
    assert "failed" not in ensure(place)


def test_a_file_that_changes_between_look_and_write_fails_that_surface(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.fleet(alpha=["claude"])
    mcp = place.peer("alpha") / ".mcp.json"
    plan = sweep._plan

    def meddled(*arguments: Any) -> sweep.Sweep:
        done = plan(*arguments)
        mcp.write_text('{"theirs": 1}')
        return done

    monkeypatch.setattr(sweep, "_plan", meddled)
    done = ensure(place)
    assert outcomes(done)["alpha:claude:mcp"] == "failed"
    assert outcomes(done)["alpha:claude:hooks"] == "written"
    assert "changed by somebody else meanwhile" in done["msg"]
    assert mcp.read_text() == '{"theirs": 1}'


def test_a_surface_that_fails_half_way_says_that_it_changed_something(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.fleet(alpha=["claude"])
    plan = sweep._plan

    def meddled(*arguments: Any) -> sweep.Sweep:
        done = plan(*arguments)
        place.write(Path(done.seats[0].planned[-1].edits[-1][1].path), "theirs")
        return done

    ensure(place, surfaces=["hooks", "mcp"])
    monkeypatch.setattr(sweep, "_plan", meddled)
    done = ensure(place, surfaces=["skills"])
    assert (done["changed"], done["failed"]) == (True, True)
    assert outcomes(done) == {"alpha:claude:skills": "failed"}
    assert "changed by somebody else meanwhile: left as it is, run again; 3 of 4 done" in done["msg"]


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_list_of_no_surfaces_is_refused_and_null_is_all_of_them(place: Place, state: str) -> None:
    place.fleet(alpha=["claude"])
    ensure(place)
    before = place.snapshot()
    with pytest.raises(Problem, match="surfaces: an empty list names none"):
        ensure(place, state=state, surfaces=[])
    assert place.snapshot() == before
    assert ensure(place, surfaces=None)["total"] == 1


@pytest.mark.parametrize("spelling", ["{above}//{name}", "{above}/{name}/.", "{above}/./{name}"])
def test_trust_is_asked_for_by_the_real_path_however_the_cwd_is_spelled(place: Place, spelling: str) -> None:
    real = place.peer("alpha")
    cwd = spelling.format(above=real.parent, name=real.name)
    done = ensure(place, peers=[{"personality": "alpha", "cwd": cwd, "runtimes": ["codex"]}])
    trust = next(item for item in done["results"][0]["outcomes"] if item["surface"] == "trust")
    assert trust["path"] == str(real / ".codex/hooks.json")


def test_a_folder_that_disappears_between_look_and_write_fails_that_peer_alone(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.fleet(alpha=["claude"], beta=["claude"])
    plan = sweep._plan

    def meddled(*arguments: Any) -> sweep.Sweep:
        done = plan(*arguments)
        place.peer("alpha").rmdir()
        return done

    monkeypatch.setattr(sweep, "_plan", meddled)
    done = ensure(place)
    assert {key: action for key, action in outcomes(done).items() if action == "failed"} == {
        f"alpha:claude:{surface}": "failed" for surface in ("hooks", "mcp", "skills")
    }
    assert outcomes(done)["beta:claude:mcp"] == "written"
    assert not (place.base / "peers" / "alpha").exists()


@pytest.mark.parametrize("check", [True, False])
def test_a_folder_that_cannot_be_opened_fails_that_peer_alone(
    place: Place, monkeypatch: pytest.MonkeyPatch, check: bool
) -> None:
    place.fleet(alpha=["claude"], beta=["claude"])
    folder = seats.PeerFolder

    def opened(sandbox: Sandbox, anchor: str) -> Any:
        if anchor.endswith("alpha"):
            raise Problem("permission denied", anchor, "unreadable")
        return folder(sandbox, anchor)

    monkeypatch.setattr(seats, "PeerFolder", opened)
    done = ensure(place, check=check)
    assert done["msg"] == f"alpha:claude: hooks: {place.peer('alpha')}: permission denied"
    assert outcomes(done)["beta:claude:mcp"] == "written"


@pytest.mark.parametrize(
    ("runtimes", "cwd", "reason"),
    [
        (["telegram"], "peers/x", "no session runtime"),
        ([], "peers/x", "no session runtime"),
        (["claude"], "peers/gone", "its cwd is missing: {base}/peers/gone"),
        (["claude"], "file", "its cwd is missing: {base}/file"),
    ],
)
def test_a_peer_without_surfaces_is_skipped_with_the_reason(
    place: Place, runtimes: list[str], cwd: str, reason: str
) -> None:
    place.peer("x")
    place.write(place.base / "file", "")
    peers = [{"personality": "x", "cwd": str(place.base / cwd), "runtimes": runtimes}]
    done = ensure(place, peers=peers)
    assert done["skipped_peers"] == [{"personality": "x", "reason": reason.format(base=place.base)}]
    assert (done["total"], done["results"]) == (0, [])


def test_a_relative_cwd_in_the_map_is_skipped(place: Place) -> None:
    place.write_json(place.fleet_map, {"peers": [{"personality": "x", "cwd": "here", "runtimes": ["claude"]}]})
    assert ensure(place)["skipped_peers"] == [{"personality": "x", "reason": "its cwd is not absolute: here"}]


@pytest.mark.parametrize("second", ["beta", "alpha"])
@pytest.mark.parametrize("link", [False, True])
def test_peers_that_share_a_folder_are_swept_once(place: Place, second: str, link: bool) -> None:
    cwd = place.peer("alpha")
    other = cwd
    if link:
        other = place.base / "link"
        other.symlink_to(cwd)
    peers = [
        {"personality": "alpha", "cwd": str(cwd), "runtimes": ["claude"]},
        {"personality": second, "cwd": str(other), "runtimes": ["claude", "codex"]},
    ]
    foretold = ensure(place, check=True, peers=peers)
    done = ensure(place, peers=peers)
    assert foretold["results"] != []
    assert "failed" not in done
    assert done["total"] == 2
    assert [(record["personality"], record["runtime"]) for record in done["results"]] == [
        ("alpha", "claude"),
        (second, "codex"),
    ]
    assert done["skipped_peers"] == [], "whoever is swept is not left out"
    assert ("besides, beta shares its folder with alpha" in done["detail"]) is (second == "beta")
    assert not ensure(place, peers=peers)["changed"]


@pytest.mark.parametrize(
    ("link", "target", "owner"),
    [
        (".mcp.json", ".claude/settings.json", "hooks of claude"),
        (".codex/hooks.json", "../.claude/settings.json", "hooks of claude"),
    ],
)
def test_two_surfaces_in_one_file_are_refused(place: Place, link: str, target: str, owner: str) -> None:
    """Each would undo what the other has written, in every run anew."""
    cwd = place.peer("alpha")
    place.write(cwd / ".claude/settings.json", "{}")
    (cwd / link).parent.mkdir(exist_ok=True)
    (cwd / link).symlink_to(target)
    peers = [{"personality": "alpha", "cwd": str(cwd), "runtimes": ["claude", "codex"]}]
    assert "failed" not in ensure(place, peers=peers, state="absent"), "nothing of ours is in it"
    for done in (ensure(place, check=True, peers=peers), ensure(place, peers=peers)):
        [seat] = [record for record in done["results"] if not record["ok"]]
        [bad] = [outcome for outcome in seat["outcomes"] if outcome["detail"].endswith("work: remove the link")]
        assert f"a link to the file of {owner}," in bad["detail"]
        assert (bad["action"], bad["path"]) == ("failed", str(cwd / link))
    assert not ensure(place, peers=peers)["changed"]


def test_a_peer_that_is_swept_nowhere_is_left_out_with_the_reason(place: Place) -> None:
    cwd = str(place.peer("alpha"))
    peers = [{"personality": name, "cwd": cwd, "runtimes": ["claude"]} for name in ("alpha", "beta")]
    peers += [{"personality": "alpha", "cwd": cwd + "-gone", "runtimes": ["claude"]}]
    done = ensure(place, peers=peers)
    assert done["total"] == 1
    assert done["skipped_peers"] == [{"personality": "beta", "reason": "shares its folder with alpha"}]
    assert f"besides, alpha its cwd is missing: {cwd}-gone" in done["detail"]


# Unseen is not absent


@pytest.mark.parametrize("number", [errno.EACCES, errno.ESTALE, errno.EIO, errno.ENAMETOOLONG, errno.ELOOP])
@pytest.mark.parametrize("check", [True, False])
def test_a_folder_that_cannot_be_looked_at_is_a_failure_by_name(
    place: Place, monkeypatch: pytest.MonkeyPatch, number: int, check: bool
) -> None:
    place.fleet(alpha=["claude", "codex"], beta=["claude"])
    folder = seats.PeerFolder

    def opened(sandbox: Sandbox, anchor: str) -> Any:
        if anchor.endswith("alpha"):
            error = OSError(number, os.strerror(number))
            raise explain(error, anchor) from error
        return folder(sandbox, anchor)

    monkeypatch.setattr(seats, "PeerFolder", opened)
    done = ensure(place, check=check)
    assert (done["failed"], done["skipped_peers"]) == (True, [])
    assert [(row["personality"], row["runtime"], row["ok"]) for row in done["results"]] == [
        *[("alpha", "claude", False), ("alpha", "codex", False)],
        ("beta", "claude", True),
    ]
    assert done["msg"].startswith(f"alpha:claude: hooks: {place.peer('alpha')}: ")


@pytest.mark.parametrize("cwd", ["x" * 300, "loop", "nul\0", "loop/below"])
def test_a_path_that_leads_nowhere_for_another_reason_is_a_failure(place: Place, cwd: str) -> None:
    (place.base / "loop").symlink_to("loop")
    done = ensure(place, peers=[{"personality": "x", "cwd": str(place.base / cwd), "runtimes": ["claude"]}])
    assert (done["failed"], done["skipped_peers"], done["total"]) == (True, [], 1)


@pytest.mark.parametrize("cwd", ["gone", "file", "file/below", "dangling", "gone/below"])
def test_a_path_that_leads_nowhere_is_missing(place: Place, cwd: str) -> None:
    place.write(place.base / "file", "")
    (place.base / "dangling").symlink_to("gone")
    path = str(place.base / cwd)
    done = ensure(place, peers=[{"personality": "x", "cwd": path, "runtimes": ["claude"]}])
    assert done["skipped_peers"] == [{"personality": "x", "reason": f"its cwd is missing: {path}"}]
    assert "failed" not in done


@pytest.mark.parametrize("check", [True, False])
def test_a_cwd_that_did_not_come_through_as_text_is_not_missing(place: Place, check: bool) -> None:
    """The core's output is no UTF-8 there: what it names is a folder that we cannot look at."""
    place.fleet(alpha=["claude"])
    value = json.loads(place.fleet_map.read_text())
    bad = {"personality": "odd", "cwd": str(place.base / read_text(b"b\xffd")), "runtimes": ["claude", "telegram"]}
    place.write_json(place.fleet_map, {**value, "peers": [bad, *value["peers"]]})
    done = ensure(place, check=check)
    assert (done["failed"], done["skipped_peers"]) == (True, [])
    assert outcomes(done)["alpha:claude:mcp"] == "written"
    assert done["msg"] == f"odd:claude: hooks: {bad['cwd']}: its name did not come through as text"


def test_a_folder_that_is_really_called_so_is_a_folder(place: Place) -> None:
    place.fleet(**{"b\ufffdd": ["claude"]})
    assert "failed" not in ensure(place)
    assert (place.peer("b\ufffdd") / ".mcp.json").exists()


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("key", ["personality", "cwd"])
def test_a_name_that_is_no_valid_text_fails_its_row_and_blinds_nobody(place: Place, key: str, check: bool) -> None:
    place.fleet(alpha=["claude"])
    bad = {"personality": "odd", "cwd": str(place.peer("odd")), "runtimes": ["claude", "codex"]}
    bad[key] = f"{bad[key]}\ud800"
    value = json.loads(place.fleet_map.read_text())
    place.fleet_map.write_text(json.dumps({**value, "peers": [bad, *value["peers"]]}))
    done = ensure(place, check=check)
    assert outcomes(done)["alpha:claude:mcp"] == "written"
    rows = [row for row in done["results"] if not row["ok"]]
    assert [row["runtime"] for row in rows] == ["claude", "codex"]
    assert rows[0][key].endswith("\\ud800")
    assert "no valid text" in done["msg"]
    json.dumps(done, ensure_ascii=False).encode()
    assert list(place.peer("odd").iterdir()) == []


def test_names_and_words_of_the_core_move_no_cursor(place: Place) -> None:
    name = "be\x1b[2Jta\u202e\nforged: ok"
    cwd = place.peer("b\x1b[0m\nc")
    path = str(cwd / ".codex" / "hooks.json")
    entry = {"personality": name, "cwd": str(cwd), "runtimes": ["codex", "claude"]}
    (cwd / ".mcp.json").write_text("{")
    gone = {"personality": name + "2", "cwd": "/gone\x07", "runtimes": ["codex"]}
    with transcript(Call("iapeer", ("trust-hooks", path), Outcome(1, "", "no\x1b[2J\u202ey"))) as egress:
        done = ensure(place, egress, peers=[entry, gone])
    text = json.dumps({key: done[key] for key in ("msg", "detail", "results", "skipped_peers")}, ensure_ascii=False)
    assert text.isprintable()
    assert r"be\\x1b[2Jta\\u202e\\nforged: ok:claude" in json.dumps(done["msg"])
    assert json.loads((cwd / ".codex/hooks.json").read_text())["hooks"]


# Trust


def test_hooks_are_in_place_before_trust_is_asked_for(place: Place) -> None:
    place.fleet(beta=["codex"])
    path = str(hooks_json(place, "beta"))

    def in_place() -> None:
        assert json.loads(Path(path).read_text())["hooks"]["SessionStart"]

    with transcript(call("iapeer", "trust-hooks", path, out="trusted", effect=in_place)) as egress:
        assert outcomes(ensure(place, egress))["beta:codex:trust"] == "written"


def test_trust_is_asked_with_the_resolved_path(place: Place) -> None:
    real = place.peer("real")
    (place.base / "link").symlink_to(real)
    peers = [{"personality": "x", "cwd": str(place.base / "link"), "runtimes": ["codex"]}]
    expected = call("iapeer", "trust-hooks", str(real / ".codex" / "hooks.json"), out="trusted")
    with transcript(expected) as egress:
        ensure(place, egress, peers=peers)


def test_lost_trust_is_seen_and_mended(place: Place) -> None:
    place.fleet(beta=["codex"])
    ensure(place)
    (place.codex_home / "config.toml").write_text("")
    foretold = ensure(place, check=True)
    actions = {"hooks": "already", "mcp": "already", "trust": "written"}
    assert outcomes(foretold) == {f"beta:codex:{name}": action for name, action in actions.items()}
    assert [diff["after"] for diff in foretold["diff"]] == ["trusted\n"]
    done = ensure(place)
    assert (foretold["changed"], foretold["diff"]) == (done["changed"], done["diff"]) == (True, foretold["diff"])
    assert ensure(place)["in_place"] == 1


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (Outcome(1, "", "disk full"), "disk full; untrusted: headless Codex skips these hooks silently"),
        (MISSING, "the core is missing: no /fake/iapeer; untrusted: headless Codex skips these hooks silently"),
    ],
)
def test_trust_that_cannot_be_had_is_a_loud_failure(place: Place, outcome: Outcome, message: str) -> None:
    place.fleet(beta=["codex"])
    path = str(hooks_json(place, "beta"))
    with transcript(Call("iapeer", ("trust-hooks", path), outcome)) as egress:
        done = ensure(place, egress)
    assert (done["failed"], done["changed"]) == (True, True)
    assert done["msg"] == f"beta:codex: trust: {path}: {message}"


def test_a_refused_core_is_a_skip_and_no_failure(place: Place) -> None:
    place.fleet(beta=["codex"])
    path = str(hooks_json(place, "beta"))
    with transcript(Call("iapeer", ("trust-hooks", path), REFUSED)) as egress:
        done = ensure(place, egress)
    assert "failed" not in done
    assert outcomes(done)["beta:codex:trust"] == "skipped"


@pytest.mark.parametrize("text", ["{", '{"hooks": 5}'])
def test_trust_is_not_asked_for_where_the_hooks_are_not_in_place(place: Place, text: str) -> None:
    place.fleet(beta=["codex"])
    place.write(hooks_json(place, "beta"), text)
    done = ensure(place, Transcript())
    found = outcomes(done)
    assert found == {"beta:codex:hooks": "failed", "beta:codex:mcp": "written", "beta:codex:trust": "failed"}


def test_a_folder_in_place_of_hooks_json_does_not_cost_the_other_surfaces(place: Place) -> None:
    place.fleet(beta=["codex"])
    hooks_json(place, "beta").mkdir(parents=True)
    done = ensure(place, Transcript())
    found = outcomes(done)
    assert found == {"beta:codex:hooks": "failed", "beta:codex:mcp": "written", "beta:codex:trust": "failed"}
    assert (place.base / "peers" / "beta" / ".codex" / "config.toml").is_file()


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(("text", "reason"), [(None, "no hooks.json"), ("{", "not in place")])
def test_trust_alone_fails_where_there_is_nothing_to_trust(
    place: Place, text: str | None, reason: str, check: bool
) -> None:
    place.fleet(beta=["codex"])
    if text is not None:
        place.write(hooks_json(place, "beta"), text)
    done = ensure(place, Transcript(), check, surfaces=["trust"])
    assert outcomes(done) == {"beta:codex:trust": "failed"}
    assert reason in done["msg"]


def test_trust_alone_takes_the_hooks_as_they_are(place: Place) -> None:
    place.fleet(beta=["codex"])
    text = place.write(hooks_json(place, "beta"), '{"hooks": {}}').read_text()
    with transcript(call("iapeer", "trust-hooks", str(hooks_json(place, "beta")), out="trusted")) as egress:
        assert outcomes(ensure(place, egress, surfaces=["trust"])) == {"beta:codex:trust": "written"}
    assert hooks_json(place, "beta").read_text() == text


@pytest.mark.parametrize("check", [True, False])
def test_of_many_records_the_core_is_asked_for_one(place: Place, check: bool) -> None:
    place.fleet(**{f"p{n}": ["codex", "claude"] for n in range(5)})
    ensure(place)
    egress = stand_in(place)
    assert ensure(place, egress, check=check)["in_place"] == 10
    assert egress.calls == [("iapeer", "trust-hooks", str(hooks_json(place, "p0")), "--check")]


def test_a_core_that_denies_a_record_is_asked_for_all(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Codex counts otherwise now: what looks trusted by its records is not."""
    place.fleet(**{f"p{n}": ["codex"] for n in range(3)}, last=["claude"])
    ensure(place)
    records = seats.trust.Records.trust
    monkeypatch.setattr(seats.trust.Records, "trust", lambda *_: True)
    (place.codex_home / "config.toml").write_text("")
    foretold = ensure(place, check=True)
    done = ensure(place)
    assert (foretold["changed"], outcomes(foretold)) == (done["changed"], outcomes(done)) == (True, outcomes(done))
    assert [outcomes(done)[f"p{n}:codex:trust"] for n in range(3)] == ["written"] * 3
    assert "the core denies the trust that Codex's records show" in done["detail"]
    monkeypatch.setattr(seats.trust.Records, "trust", records)
    assert ensure(place)["in_place"] == 4


# Shims


@pytest.mark.parametrize("state", ["missing", "text", "mode"])
def test_a_shim_that_is_not_as_it_must_be_is_mended(place: Place, state: str) -> None:
    place.fleet(alpha=["claude"])
    ensure(place)
    shim = place.hooks / "iapeer-memory.post-write.sh"
    text = shim.read_bytes()
    if state == "missing":
        shim.unlink()
    elif state == "text":
        shim.write_text("#!/bin/sh\nexit 1\n")
    else:
        shim.chmod(0o644)
    foretold = ensure(place, check=True)
    done = ensure(place)
    assert foretold == done
    assert (done["changed"], done["detail"]) == (True, "1 peer-runtimes, hook shims written")
    assert (shim.read_bytes(), shim.stat().st_mode & 0o777) == (text, 0o755)
    if state == "mode":
        assert done["diff"][0]["before_header"].endswith("(mode 0644)")


def test_shims_are_in_place_before_anything_points_at_them(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.fleet(alpha=["claude"])
    (place.hooks / "iapeer-memory.session-start.sh").mkdir(parents=True)
    with pytest.raises(Problem, match="a directory stands where a file belongs"):
        ensure(place)
    assert list((place.base / "peers" / "alpha").iterdir()) == []


@pytest.mark.parametrize("options", [{"state": "absent"}, {"surfaces": ["mcp"]}])
def test_shims_are_not_touched_where_hooks_are_not_wanted(place: Place, options: dict[str, Any]) -> None:
    place.fleet(alpha=["claude"])
    ensure(place, **options)
    assert not place.hooks.exists()


# The lock


def test_check_mode_takes_no_lock_and_a_real_run_fails_on_a_busy_one(place: Place) -> None:
    place.fleet(alpha=["claude"])
    lock = place.write(place.state / "provision.lock.d" / "owner", "77:nonce")
    egress = stand_in(place)
    egress.table[77] = Process(77, os.geteuid(), "S", "iapeer-memory provision-peer", 0.0, True)
    before = place.snapshot()
    assert ensure(place, check=True)["changed"]
    clock = StillClock(lock.stat().st_mtime)
    with pytest.raises(Problem) as problem:
        peers.ensure(place.host(egress, clock), {"state": "present", "forms": "bundled", "lock_timeout": 15}, False)
    assert problem.value.kind == "busy"
    assert problem.value.path == str(lock.parent)
    assert "77" in str(problem.value)
    assert clock.moment >= lock.stat().st_mtime + 15
    assert place.snapshot() == before


@pytest.mark.parametrize("check", [True, False])
def test_a_lock_that_can_never_be_had_is_foreseen_where_something_would_be_written(place: Place, check: bool) -> None:
    place.fleet(alpha=["claude"])
    lock = place.write(place.state / "provision.lock.d", "a file")
    before = place.snapshot()
    with pytest.raises(Problem, match="a file stands in place of the lock"):
        ensure(place, check=check)
    assert place.snapshot() == before
    lock.unlink()
    ensure(place)
    lock.write_text("a file")
    assert ensure(place, check=True)["action"] == "already"


def test_what_is_written_while_the_lock_is_waited_for_is_kept(place: Place) -> None:
    """The holder writes the very files that we are about to write, until it lets go."""
    place.fleet(alpha=["claude"])
    servers = place.peer("alpha") / ".mcp.json"
    lock = place.write(place.state / "provision.lock.d" / "owner", "77:nonce")
    egress = stand_in(place)
    egress.table[77] = Process(77, os.geteuid(), "S", "iapeer-memory provision-peer", 0.0, True)

    class UntilReleased(StillClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if lock.exists():
                place.write_json(servers, {"mcpServers": {"theirs": {"url": "http://x"}}})
                lock.unlink()
                lock.parent.rmdir()

    options = {"state": "present", "forms": "bundled", "lock_timeout": 15}
    done = peers.ensure(place.host(egress, UntilReleased(lock.stat().st_mtime)), options, False)
    assert not done.failed, done.failure
    assert list(json.loads(servers.read_text())["mcpServers"]) == ["theirs", "iapeer-memory"]


def test_a_long_sweep_keeps_the_lock_young(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.fleet(**{f"p{n}": ["codex"] for n in range(4)})
    egress, ages = stand_in(place), []
    clock = StillClock(1_000_000.0)
    trust = egress.run

    def slow(*args: Any, **more: Any) -> Outcome:
        lock = place.state / "provision.lock.d"
        ages.append(lock.stat().st_mtime)
        os.utime(lock, (5, 5))
        clock.sleep(40)
        return trust(*args, **more)

    monkeypatch.setattr(egress, "run", slow)
    done = peers.ensure(place.host(egress, clock), {"state": "present", "forms": "bundled"}, False)
    assert not done.failed
    assert len(ages) == 4
    assert all(age > 5 for age in ages)


# Options


def test_a_missing_map_and_a_malformed_one_are_told_apart(place: Place) -> None:
    for text, reason in ((None, "missing"), ("{", "not JSON"), ("{}", "has no list of peers")):
        if text is not None:
            place.write(place.fleet_map, text)
        with pytest.raises(Problem, match=f"no readable fleet map: {reason}"):
            ensure(place)


def test_peers_that_are_given_are_taken_instead_of_the_map(place: Place) -> None:
    place.fleet(alpha=["claude"])
    beta = {"personality": "beta", "cwd": str(place.peer("beta")), "runtimes": ["claude"]}
    assert {record["personality"] for record in ensure(place, peers=[beta])["results"]} == {"beta"}
    assert ensure(place, peers=[])["total"] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"peers": [{"personality": " ", "cwd": "/x"}]}, "peers: every peer needs a personality and a cwd"),
        ({"peers": [{"personality": "x", "cwd": ""}]}, "peers: every peer needs a personality and a cwd"),
        ({"peers": [{"personality": "x", "cwd": "here"}]}, "peers: the cwd of x must be an absolute path, not 'here'"),
        ({"port": 0}, "port must be from 1 to 65535, not 0"),
        ({"port": 65536}, "port must be from 1 to 65535, not 65536"),
        ({"port": -1}, "port must be from 1 to 65535, not -1"),
        ({"reference_dir": "here"}, "reference_dir must be an absolute path, not 'here'"),
        ({"reference_dir": "/nowhere"}, "/nowhere: missing"),
        ({"lock_timeout": -1}, "lock_timeout must be"),
        ({"skills": {"other": "x"}}, "skills: 'other' is not the name of a skill of ours"),
        ({"skills": {"iapeer-memory-../x": "x"}}, "skills: 'iapeer-memory-../x' is not the name of a skill of ours"),
        ({"skills": {"iapeer-memory-x": 5}}, "skills: iapeer-memory-x must be text"),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_a_wrong_option_is_one_clear_message_and_touches_nothing(
    place: Place, options: dict[str, Any], message: str, check: bool
) -> None:
    place.fleet(alpha=["claude"])
    before = place.snapshot()
    with pytest.raises(Problem) as problem:
        ensure(place, check=check, **options)
    assert str(problem.value).startswith(message)
    assert "\n" not in str(problem.value)
    assert place.snapshot() == before


def test_the_port_comes_from_the_option_else_from_config_env(place: Place) -> None:
    place.configure("IAPEER_MEMORY_MCP_PORT=9001")
    place.fleet(alpha=["claude"], beta=["codex"])
    ensure(place)
    assert ":9001/mcp" in (place.peer("alpha") / ".mcp.json").read_text()
    assert ":9001/mcp" in (place.peer("beta") / ".codex" / "config.toml").read_text()
    ensure(place, port=9002)
    assert ":9002/mcp" in (place.peer("alpha") / ".mcp.json").read_text()
    assert ":9002/mcp" in (place.peer("beta") / ".codex" / "config.toml").read_text()


@pytest.mark.parametrize(("locale", "skills"), [("en", skills_en.SKILLS), ("ru", skills_ru.SKILLS)])
def test_the_bundled_skills_speak_the_language_of_the_host(place: Place, locale: str, skills: dict[str, str]) -> None:
    place.configure(f"IAPEER_MEMORY_LOCALE={locale}")
    place.fleet(alpha=["claude"])
    ensure(place)
    folder = place.peer("alpha") / ".claude" / "skills"
    found = {path.name: (path / "SKILL.md").read_text() for path in folder.iterdir()}
    assert found == dict(skills)
    assert set(found) == {f"iapeer-memory-{name}" for name in ("init", "status", "migrate", "distill")}


def test_skills_come_from_a_reference_folder_when_one_is_given(place: Place) -> None:
    place.fleet(alpha=["claude"])
    reference = place.base / "reference"
    place.write(reference / "iapeer-memory-init" / "SKILL.md", b"mine \xff\n")
    place.write(reference / "iapeer-memory-empty" / "notes.md", "x")
    place.write(reference / "other" / "SKILL.md", "x")
    ensure(place, reference_dir=str(reference))
    folder = place.peer("alpha") / ".claude" / "skills"
    assert [path.name for path in folder.iterdir()] == ["iapeer-memory-init"]
    assert (folder / "iapeer-memory-init" / "SKILL.md").read_bytes() == b"mine \xff\n"


def test_a_reference_folder_without_skills_is_refused(place: Place) -> None:
    place.fleet(alpha=["claude"])
    with pytest.raises(Problem, match=r"holds no iapeer-memory-\*/SKILL\.md"):
        ensure(place, reference_dir=str(place.vault))


def test_skills_are_taken_as_text_when_they_are_given(place: Place) -> None:
    place.fleet(alpha=["claude"])
    ensure(place, skills={"iapeer-memory-init": "текст\n"})
    assert (place.peer("alpha") / ".claude/skills/iapeer-memory-init/SKILL.md").read_text() == "текст\n"


def test_only_the_wanted_surfaces_are_swept(place: Place) -> None:
    place.fleet(alpha=["claude"], beta=["codex"])
    done = ensure(place, Transcript(), surfaces=["skills", "mcp"])
    assert set(outcomes(done)) == {"alpha:claude:mcp", "alpha:claude:skills", "beta:codex:mcp"}


# Check mode, diff, sandbox


def test_check_mode_tells_the_same_and_asks_only_reading_questions(place: Place) -> None:
    place.fleet(alpha=["claude"], beta=["codex"])
    before = place.snapshot("calls.jsonl")
    egress = stand_in(place)
    foretold = ensure(place, egress, check=True)
    assert {item[1:2] + item[3:] for item in egress.calls} == {("trust-hooks", "--check")}
    assert place.snapshot("calls.jsonl") == before
    done = ensure(place)
    for key in ("changed", "action", "diff", "in_place", "total", "skipped_peers", "detail"):
        assert foretold[key] == done[key]
    assert outcomes(foretold) == outcomes(done)


def test_the_diff_names_every_file_and_shows_no_secret(place: Place) -> None:
    place.fleet(alpha=["claude"])
    cwd = place.peer("alpha")
    place.write_json(cwd / ".claude" / "settings.json", {"env": {"TOKEN": "s3cret"}})
    place.write_json(cwd / ".mcp.json", {"mcpServers": {"x": {"headers": {"Authorization": "Bearer s3cret"}}}})
    diffs = ensure(place, check=True)["diff"]
    names = [os.path.relpath(diff["before_header"], place.base) for diff in diffs]
    assert names[:4] == [
        "home/.iapeer/plugins/iapeer-memory/hooks/iapeer-memory.post-write.sh",
        "home/.iapeer/plugins/iapeer-memory/hooks/iapeer-memory.session-start.sh",
        "peers/alpha/.claude/settings.json",
        "peers/alpha/.mcp.json",
    ]
    assert len(names) == 8
    assert "s3cret" not in str(diffs)


def test_the_diff_of_a_removal_names_the_folders_that_go(place: Place) -> None:
    place.fleet(alpha=["claude"])
    ensure(place, surfaces=["skills"])
    diffs = ensure(place, check=True, state="absent")["diff"]
    skills = {f"{place.peer('alpha')}/.claude/skills/{name}" for name in skills_en.SKILLS}
    assert {diff["before_header"] for diff in diffs} == skills


def test_in_the_sandbox_live_peers_are_skipped_not_failed(place: Place) -> None:
    environ = place.environ(IAPEER_TEST_SANDBOX="1")
    live = place.home / ".claude" / "peer"
    live.mkdir(parents=True)
    config = place.write(place.base / "config.env", f"IAPEER_MEMORY_VAULT_PATH={place.vault}\n")
    host = place.host(
        environ=environ,
        sandbox=Sandbox(environ, real_home=str(place.home)),
        config_file=str(config),
        state_dir=str(place.base / "state"),
    )
    named = [{"personality": "x", "cwd": str(live), "runtimes": ["claude"]}]
    for check in (True, False):
        done = peers.ensure(
            host, {"state": "present", "forms": "bundled", "peers": named, "surfaces": ["mcp"]}, check
        ).as_dict(True)
        assert (done["changed"], done["action"]) == (False, "skipped")
        assert outcomes(done) == {"x:claude:mcp": "skipped"}
    assert list(live.iterdir()) == []


def test_shims_that_may_not_be_written_are_foreseen_in_check_mode(place: Place) -> None:
    """They are written before anything points at them: where that is refused, nobody is swept."""
    environ = place.environ(IAPEER_TEST_SANDBOX="1", IAPEER_MEMORY_VAULT_PATH=str(place.vault))
    live = place.home / ".iapeer" / "plugins" / "iapeer-memory"
    host = place.host(
        environ=environ,
        sandbox=Sandbox(environ, real_home=str(place.home)),
        config_file=str(live / "config.env"),
        state_dir=str(place.base / "state"),
    )
    (place.base / "state").mkdir()
    named = [{"personality": "x", "cwd": str(place.peer("x")), "runtimes": ["claude"]}]
    options = {"state": "present", "forms": "bundled", "peers": named, "surfaces": ["hooks"]}
    told = set()
    for check in (True, False):
        with pytest.raises(Problem) as caught:
            peers.ensure(host, options, check)
        told.add((caught.value.refused, os.path.dirname(caught.value.path)))
    assert told == {(True, str(live / "hooks"))}
    assert list(place.peer("x").iterdir()) == []


def test_a_record_of_hooks_that_are_still_to_be_written_is_not_held_against_the_core(place: Place) -> None:
    """It denies trust in a file that is not there, or is the one before."""
    place.fleet(alpha=["codex"], beta=["codex"])
    ensure(place)
    hooks_json(place, "alpha").unlink()
    foretold, done = ensure(place, check=True), ensure(place)
    expected = {"alpha:codex:hooks": "written", "alpha:codex:mcp": "already", "alpha:codex:trust": "already"}
    assert outcomes(foretold) == outcomes(done) == expected
    assert foretold["detail"] == done["detail"] == "2 peer-runtimes, 1 written"
