"""The playground's page, built at the first start. Nothing else needs it: where it can't be built, all goes on."""

import os
import signal
import subprocess
import sys

from deploy.local.paths import CLONE
from deploy.local.signals import Signals
from gateway.playground.output import is_built


def build_playground(signals: Signals) -> None:
    """Build the page if it is not there for these sources; what keeps it from that is said in one line."""
    if is_built():
        return
    print("Building the playground's page (once, half a minute) ...", file=sys.stderr, flush=True)
    building = subprocess.Popen(
        [sys.executable, "-P", "-m", "gateway.playground.build"], env=os.environ | {"PYTHONPATH": str(CLONE)}
    )
    while building.poll() is None:
        if signals.asked_to_stop:
            building.send_signal(signal.SIGINT)
            building.wait()
        signals.wait(0.2)
