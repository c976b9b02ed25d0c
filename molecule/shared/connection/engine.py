# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connects to a running container through the engine's own exec."""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import IO, Any

from ansible.errors import AnsibleConnectionFailure, AnsibleFileNotFound
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = r"""
name: engine
short_description: Run tasks in a container through podman or docker exec
version_added: 0.1.0
description:
  - Runs C(ENGINE exec -i CONTAINER) for each command, and pipes files the same way.
author:
  - the agfpd.iapeer_memory contributors
options:
  remote_addr:
    description: The container's name.
    type: str
    default: inventory_hostname
    vars:
      - name: inventory_hostname
      - name: ansible_host
  executable:
    description: The container engine's command.
    type: str
    default: podman
    env:
      - name: CONTAINER_ENGINE
"""


class Connection(ConnectionBase):
    """Connection through ENGINE exec, as the user and with the environment that the container was started with."""

    transport = "engine"
    has_pipelining = True

    def _connect(self) -> Connection:
        self._connected = True
        return self

    def _exec(
        self,
        cmd: str,
        in_data: bytes | None = None,
        stdin: IO[bytes] | int = subprocess.PIPE,
        stdout: Any = subprocess.PIPE,
    ) -> tuple[int, bytes, bytes]:
        argv = [self.get_option("executable"), "exec", "-i", self.get_option("remote_addr"), "/bin/sh", "-c", cmd]
        try:
            process = subprocess.Popen(argv, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE)
        except OSError as error:
            raise AnsibleConnectionFailure(f"cannot start {argv[0]}: {error}") from error
        out, err = process.communicate(in_data)
        return process.returncode, out or b"", err

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        return self._exec(cmd, in_data)

    def put_file(self, in_path: str, out_path: str) -> None:
        super().put_file(in_path, out_path)
        if not os.path.exists(in_path):
            raise AnsibleFileNotFound(f"no such file: {in_path}")
        with open(in_path, "rb") as handle:
            code, _out, err = self._exec(f"cat > {shlex.quote(out_path)}", stdin=handle)
        if code:
            raise AnsibleConnectionFailure(f"cannot put {out_path}: {err!r}")

    def fetch_file(self, in_path: str, out_path: str) -> None:
        super().fetch_file(in_path, out_path)
        with open(out_path, "wb") as handle:
            code, _out, err = self._exec(f"cat {shlex.quote(in_path)}", stdout=handle)
        if code:
            raise AnsibleConnectionFailure(f"cannot fetch {in_path}: {err!r}")

    def close(self) -> None:
        self._connected = False
