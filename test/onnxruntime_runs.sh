#!/usr/bin/env bash
# The three formats of a predicted network, run by onnxruntime and by our own classifier: the same labels and scores,
# and how much accuracy each format costs. onnxruntime comes from PyPI, into a folder of its own below the build.
# usage: onnxruntime_runs.sh BUILD_DIR SOURCE_DIR      exit status 77: skipped, because PyPI cannot be reached
set -euo pipefail
build=$1
source=$2
version=1.20.1
venv=$build/onnxruntime-$version

# Without its dependencies: numpy is Debian's, and the others serve onnxruntime's own tools.
if ! "$venv/bin/python" -c 'import onnxruntime' 2>/dev/null; then
    rm -rf "$venv"
    /usr/bin/python3 -m venv --system-site-packages "$venv"
    pip() { "$venv/bin/python" -m pip --disable-pip-version-check "$@"; }
    if ! pip install -q --no-deps "onnxruntime==$version" 2>"$venv/pip.log"; then
        index=${PIP_INDEX_URL:-$(pip config get global.index-url 2>/dev/null || echo https://pypi.org/simple)}
        # Any answer counts as reached, so that a wrong version or a broken wheel is a failure and no skip.
        if "$venv/bin/python" - "$index" <<'PYTHON'
import sys
import urllib.error
import urllib.request
try:
    urllib.request.urlopen(sys.argv[1].rstrip("/") + "/onnxruntime/", timeout=30)
except urllib.error.HTTPError:
    pass
except OSError:
    sys.exit(1)
PYTHON
        then
            cat "$venv/pip.log" >&2
            echo "FAILED: onnxruntime $version could not be installed, although PyPI can be reached" >&2
            exit 1
        fi
        echo "SKIPPED: onnxruntime $version is not installed and PyPI cannot be reached from here" >&2
        exit 77
    fi
fi
exec "$venv/bin/python" "$source/test/onnxruntime_runs.py" "$build" "$source"
