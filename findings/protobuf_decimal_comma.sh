#!/usr/bin/env bash
# Guess: protobuf reads its schemas the same in every locale.
# True of protobuf 4.25.9 (upb): where a program has called locale.setlocale(LC_ALL, "") on a system with a decimal
# comma, a schema with a default such as 0.5 cannot be built ("Invalid default '0.5'"); so `import mediapipe` fails there.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
command -v localedef > /dev/null && [ -f /usr/share/i18n/locales/de_DE ] || { echo "needs the package 'locales'"; exit 77; }
localedef -i de_DE -f UTF-8 "$work/de_DE.UTF-8" || true
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q protobuf==4.25.9
LOCPATH=$work LC_ALL=de_DE.UTF-8 "$work/venv/bin/python" - <<'PY'
import locale

import google.protobuf
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.internal import api_implementation

schema = descriptor_pb2.FileDescriptorProto(name="a.proto", package="a")
field = schema.message_type.add(name="Anchor").field.add(name="offset", number=1, default_value="0.5")
field.type, field.label = field.TYPE_FLOAT, field.LABEL_OPTIONAL
print("protobuf", google.protobuf.__version__, api_implementation.Type())
seen = {}
for number in ("C", "de_DE.UTF-8"):
    locale.setlocale(locale.LC_NUMERIC, number)
    try:
        descriptor_pool.DescriptorPool().AddSerializedFile(schema.SerializeToString())
        seen[number] = "built"
    except TypeError as error:
        seen[number] = str(error).splitlines()[0]
    print(f"LC_NUMERIC={number}: {seen[number]}")
raise SystemExit(seen["C"] != "built" or "Invalid default" not in seen["de_DE.UTF-8"])
PY
