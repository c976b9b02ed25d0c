# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said of memoryd (contract §8). Words alone: the controller reads them too, at the cost of every import."""

from __future__ import annotations

HUNG_AFTER = 120  # seconds
BACK, INDEXING, HUNG, DEAD, FLAPPING = "back", "indexing", "hung", "dead", "flapping"
LOST = (HUNG, DEAD, FLAPPING)  # what no waiting mends
