# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One step of a look: its work, with the options of its own module, and what it would leave (contract §9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .._forms.ahead import Ahead
from .._host.host import Host
from .._host.results import Result

Options = Mapping[str, Any]
Work = Callable[[Host, Options, bool, Ahead], Result]


class Step(NamedTuple):
    """One step: its work, the options of its own module out of the look's, and what it would leave."""

    work: Work
    options: Callable[[Options], dict[str, Any]]
    leaves: Callable[[Ahead, Result, Host], Ahead]


def given(*names: str, **fixed: Any) -> Callable[[Options], dict[str, Any]]:
    """The options of these names where they are given, and fixed ones."""
    return lambda options: {**{name: options[name] for name in names if options.get(name) is not None}, **fixed}


def nothing(ahead: Ahead, result: Result, host: Host) -> Ahead:
    """What a step leaves that no later one looks at."""
    return ahead
