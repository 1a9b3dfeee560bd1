#!/usr/bin/env bash
# Guess:  c2pa-python raises C2paError.RemoteManifest, the class that it has for it, where a file's manifest lies on a
#         network and fetching is switched off.
# True:   it raises a bare C2paError whose text begins with "Remote: "; no "except C2paError.RemoteManifest" sees it, and
#         whoever tells kinds of errors apart takes the file for a damaged one. Only the text tells.
#         Seen with c2pa-python 0.38.1 (c2pa-rs 0.91.3).
# Exit:   0 while it is so, 1 where it no longer is.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" </dev/null
"$work/venv/bin/pip" install --quiet --disable-pip-version-check c2pa-python==0.38.1 pillow==12.3.0 </dev/null
"$work/venv/bin/python" - <<'PY'
import io
import sys
from importlib.metadata import version

import c2pa
from PIL import Image

print("c2pa-python", version("c2pa-python"), "| c2pa-rs", c2pa.sdk_version())
xmp = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:dcterms="http://purl.org/dc/terms/" '
    b'dcterms:provenance="https://manifests.invalid/1.c2pa"/></rdf:RDF></x:xmpmeta>'
)
picture = io.BytesIO()
Image.new("RGB", (8, 8)).save(picture, "jpeg", xmp=xmp)
offline = {"verify": {"remote_manifest_fetch": False}}
try:
    with c2pa.Context.from_dict(offline) as context, c2pa.Reader("image/jpeg", picture, context=context):
        sys.exit("no error at all")
except c2pa.C2paError as error:
    is_of_its_class = isinstance(error, c2pa.C2paError.RemoteManifest)
    print(type(error).__name__, "|", error, "| is a RemoteManifest:", is_of_its_class)
    sys.exit(is_of_its_class or not str(error).startswith("Remote: "))
PY
