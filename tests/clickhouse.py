"""A ClickHouse server for a test: on the loopback interface, in a folder of its own."""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import time

SERVER = shutil.which("clickhouse-server", path=f"{os.environ['PATH']}:/usr/sbin")
THERE = SERVER is not None and shutil.which("clickhouse-client") is not None
DEADLINE_S = 60

SERVER_CONFIG = """<yandex>
<logger><level>warning</level><console>1</console></logger>
<listen_host>127.0.0.1</listen_host><tcp_port>{port}</tcp_port>
<path>{folder}/data/</path><tmp_path>{folder}/tmp/</tmp_path>
<mark_cache_size>1000000</mark_cache_size>
<users_config>{folder}/server.xml</users_config>
<default_profile>default</default_profile><default_database>default</default_database>
<profiles><default/></profiles><quotas><default/></quotas>
<users><default>
<password/><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota>
</default></users>
</yandex>
"""
CLIENT_CONFIG = "<config><host>127.0.0.1</host><port>{port}</port></config>\n"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def await_answer(server, variables, log):
    """Until the server answers a client; the log tells why it never does."""
    end = time.monotonic() + DEADLINE_S
    ask = {"args": ["clickhouse-client", "--query=SELECT 1"], "env": dict(os.environ, **variables)}
    while subprocess.run(**ask, capture_output=True, check=False).returncode != 0:
        if server.poll() is not None or time.monotonic() > end:
            raise AssertionError(f"clickhouse-server does not answer: {log.read_text()}")
        time.sleep(0.05)


@contextlib.contextmanager
def running(folder):
    """The variables of an environment in which clickhouse-client finds the server."""
    folder = pathlib.Path(folder)
    configs = {"server.xml": SERVER_CONFIG, ".clickhouse-client/config.xml": CLIENT_CONFIG}
    port = free_port()
    for name, text in configs.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text.format(folder=folder, port=port))
    log = folder / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen([SERVER, f"--config-file={folder}/server.xml"], cwd=folder,
                                  stdout=output, stderr=output)
    variables = {"HOME": str(folder)}  # the client reads its configuration there
    try:
        await_answer(server, variables, log)
        yield variables
    finally:
        server.terminate()
        try:
            server.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
