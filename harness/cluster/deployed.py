"""The worker for Dask's own deployers, which make one by its class: SSHCluster, dask-jobqueue.

    dask worker tls://HOST:8786 --no-nanny --worker-class harness.cluster.deployed.DeployedWorker ...

Certificates are then those of Dask's own settings (distributed.comm.tls). ``rehearse worker`` is the same
with what a person wants besides: it reads our certificates, and comes back to a scheduler that was gone.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import dask.config
from distributed.security import Security

from harness.catalogue import made_of
from harness.catalogue.sources import added_images
from harness.cluster import identity, needs
from harness.cluster.bench import Bench
from harness.cluster.worker import LabWorker
from harness.errors import LabFault
from harness.labs import doctor
from harness.labs.vagrant.gather import half_of_the_free
from harness.system import tempdirs

_OURS = ("nthreads", "memory_limit", "resources", "local_directory", "startup_information")
"""What a deployer says that is decided here."""


class DeployedWorker(LabWorker):
    """Looks at its machine as ``rehearse doctor`` does, and declares what that has."""

    def __init__(self, scheduler_ip: str = "", scheduler_port: int | None = None, **how: Any) -> None:
        """As of ``distributed.Worker``. Raises LabFault where this machine cannot rehearse."""
        for name in _OURS:
            how.pop(name, None)
        given = how.get("security")
        security = Security(**given) if isinstance(given, dict) else given or Security()
        address = str(scheduler_ip or dask.config.get("scheduler-address", ""))
        if not security.require_encryption or not address.startswith("tls://"):
            raise LabFault(
                f"a cluster is reached over TLS alone, and not at {address or 'no address'}",
                "set distributed.comm.tls and distributed.comm.require-encryption of Dask",
            )
        self._held = ExitStack()
        catalogue = made_of(*added_images())
        found = doctor.examine(catalogue.images)
        needs.check(found)
        has = needs.of_machine(catalogue, found, half_of_the_free(), identity.mine())
        bench = Bench(self._held.enter_context(tempdirs.folder("worker")), catalogue, None)
        self._held.callback(bench.close)
        super().__init__(
            scheduler_ip or None, scheduler_port, bench=bench, resources=has, **{**how, "security": security}
        )

    async def close(self, *how: Any, **more: Any) -> Any:
        """Nothing of it is left behind."""
        try:
            return await super().close(*how, **more)
        finally:
            self._held.close()
