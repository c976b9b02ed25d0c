# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a piece of work on one thing came to, or would come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .._documents.shown import shown, shown_lines
from .._doorway.problem import Problem

SKIPPED, FAILED = "skipped", "failed"


class Result(NamedTuple):
    """What every ensure returns, in check mode and in a real run alike; the door makes what Ansible takes of it.

    action: one word. detail: one line for people. failure: why it failed, empty where it did not. refused: the sandbox
    said no. diff: what Ansible shows with --diff. data: what a module returns besides.
    """

    action: str
    detail: str = ""
    changed: bool = False
    failure: str = ""
    refused: bool = False
    diff: Sequence[Mapping[str, str]] = ()
    data: Mapping[str, Any] = {}

    @property
    def failed(self) -> bool:
        """True where it failed."""
        return bool(self.failure)

    def as_dict(self, with_diff: bool) -> dict[str, Any]:
        """The result as a module returns it, with words and differences that are fit for a terminal."""
        words = {"action": self.action, "detail": shown(self.detail)}
        done: dict[str, Any] = {"changed": self.changed, **words, **self.data}
        if with_diff:
            done["diff"] = [
                {key: (shown if key.endswith("header") else shown_lines)(text) for key, text in item.items()}
                for item in self.diff
            ]
        if self.failure:
            done.update(failed=True, msg=shown(self.failure))
        if self.refused:
            done["refused"] = True
        return done


def stopped(problem: Problem) -> Result:
    """The result of work that a problem stopped: skipped where the sandbox said no, else failed."""
    words, kind = str(problem), {"kind": problem.kind}
    if problem.refused:
        return Result(SKIPPED, words, problem.changed, refused=True, data=kind)
    return Result(FAILED, words, problem.changed, failure=words, data=kind)
