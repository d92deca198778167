#!/usr/bin/env python3
"""Writes the protocol's test vectors: Tests/Fixtures/protocol/vectors.json.

A vector is one whole frame, its length included, in hexadecimal, beside the message in protobuf text format. The bytes
come from protoc and not from the code of this project, so that a fault in that code cannot hide in them.

    python3 tools/make-goldens/protocol.py

Needs protoc (Debian: protobuf-compiler).
"""

import json
import pathlib
import struct
import subprocess
import zlib

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
REQUEST, RESPONSE = "zoo.v1.Request", "zoo.v1.Response"

vectors = []


def encode(message, text):
    command = ["protoc", f"--encode={message}", "--proto_path=proto", "zoo/v1/rpc.proto"]
    return subprocess.run(command, input=text.encode(), capture_output=True, check=True, cwd=REPOSITORY).stdout


def quoted(data):
    """Bytes as text format writes them."""
    return '"' + "".join(f"\\{byte:03o}" for byte in data) + '"'


def vector(name, message, note, text):
    encoded = encode(message, text)
    vectors.append(
        {
            "name": name,
            "direction": "client to server" if message == REQUEST else "server to client",
            "message": message,
            "note": note,
            "text": text,
            "frame": (struct.pack(">I", len(encoded)) + encoded).hex(),
        }
    )


def red_pixel():
    """A PNG file of one red pixel, its data stored and not compressed: the same bytes from every zlib."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = bytes([0, 255, 0, 0])
    stored = b"\x78\x01\x01" + struct.pack("<HH", len(row), len(row) ^ 0xFFFF) + row
    stored += struct.pack(">I", zlib.adler32(row))
    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", stored) + chunk(b"IEND", b"")


vector(
    "hello",
    REQUEST,
    "the first frame on a connection",
    'id: 1 hello { protocol_version: 1 token: "secret" client: "example/1.0" }',
)
vector(
    "hello-result",
    RESPONSE,
    "the status is OK, so it is not written at all",
    'id: 1 hello { protocol_version: 1 server: "zoo/0.1.0" limits { frame_bytes: 67108864 requests_in_flight: 64'
    " chunk_bytes: 1048576 timeout_ms: 600000 } may_administer: true }",
)
vector("ping", REQUEST, "the payload comes back as it is", "id: 2 ping { payload: " + quoted(b"\x00\x01\xfe\xff") + " }")
vector("ping-result", RESPONSE, "", "id: 2 ping { payload: " + quoted(b"\x00\x01\xfe\xff") + " }")
vector(
    "infer-image",
    REQUEST,
    "a PNG file of one red pixel, and a parameter; the timeout is 5 s",
    'id: 3 timeout_ms: 5000 infer { model: "efficientnet-lite0" inputs { name: "image" image: '
    + quoted(red_pixel())
    + ' } parameters { key: "top_k" value { integer: 2 } } }',
)
vector(
    "infer-tensor",
    REQUEST,
    "float32 [1, 2, 2, 3] with the elements -1.5, -1.25, -1, ... 1.25, to version 2 of the model",
    'id: 4 infer { model: "horse2zebra" version: 2 inputs { name: "photo" tensor { element_type: ELEMENT_TYPE_FLOAT32'
    " shape: [1, 2, 2, 3] data: "
    + quoted(struct.pack("<12f", *[(i - 6) / 4 for i in range(12)]))
    + " } } }",
)
vector(
    "infer-result-labels",
    RESPONSE,
    "the likeliest class first",
    'id: 3 infer { version: 1 outputs { name: "labels" labels { labels { index: 340 name: "zebra" probability: 0.9375 }'
    ' labels { index: 339 name: "sorrel" probability: 0.03125 } } }'
    " timing { queue_us: 12 prepare_us: 3400 compute_us: 56000 finish_us: 7 } }",
)
vector(
    "infer-result-code",
    RESPONSE,
    "a code of 12 bits in 2 bytes: the bits 0, 2, 4, 5, 9 and 11 are set and the 4 bits above are 0",
    'id: 5 infer { version: 1 outputs { name: "code" code { bits: 12 data: ' + quoted(b"\x35\x0a") + " } } }",
)
vector(
    "infer-result-tensor",
    RESPONSE,
    "int64 [2] with the elements 1 and -2",
    'id: 6 infer { version: 3 outputs { name: "logits" tensor { element_type: ELEMENT_TYPE_INT64 shape: [2] data: '
    + quoted(struct.pack("<2q", 1, -2))
    + " } } }",
)
vector(
    "error",
    RESPONSE,
    "a request that failed: a status and no result",
    'id: 7 status { code: STATUS_CODE_NOT_FOUND message: "there is no model \\"unicorn\\"" }',
)
vector(
    "error-without-id",
    RESPONSE,
    "the server could not read a frame, so it does not know the request's id and leaves it 0",
    'status { code: STATUS_CODE_INVALID_ARGUMENT message: "a frame of 3 bytes is not a zoo.v1.Request" }',
)
vector("cancel", REQUEST, "gives up request 3", "id: 8 cancel { request_id: 3 }")
vector("cancel-result", RESPONSE, "request 3 was in flight and is not any more", "id: 8 cancel { found: true }")
vector(
    "upload",
    REQUEST,
    "8 bytes of a file, from byte 4096 on",
    f'id: 300 upload {{ upload_id: "{"0123456789abcdef" * 4}" path: "weights.safetensors" offset: 4096 data: '
    + quoted(bytes(range(8)))
    + " }",
)

vector(
    "put-items",
    REQUEST,
    "an item that comes as a picture and one that comes as a code of 12 bits",
    'id: 9 put_items { index: "products" items { id: "10001" attributes { key: "baseColour" value: "Blue" }'
    ' link: "https://example.org/10001" picture: '
    + quoted(red_pixel())
    + ' } items { id: "10002" category: "Skirts" code { bits: 12 data: '
    + quoted(b"\x35\x0a")
    + " } } }",
)
vector(
    "search",
    REQUEST,
    "the 5 blue items that are most like item 10001, by appearance alone: lambda is 1",
    'id: 10 search { index: "products" item: "10001" k: 5 lambda: 1 filters { attribute: "baseColour"'
    ' values: "Blue" values: "Navy Blue" } explain: true }',
)
vector(
    "search-result",
    RESPONSE,
    "one hit, 3 of 256 bits away, with one of two attributes",
    'id: 10 search { hits { id: "10017" score: 0.8662109375 appearance: 0.98828125 attribute_score: 0.5 distance: 3'
    ' category: "Skirts" attributes { key: "baseColour" value: "Blue" }'
    ' matches { attribute: "baseColour" query: "Blue" item: "Blue" weight: 1 equal: true }'
    ' matches { attribute: "season" query: "Summer" weight: 1 } } searched: "Skirts" plan: "scan of 1 code"'
    " version: 1 bits: 256 lambda: 0.75 timing { nearest_us: 21 rank_us: 4 fetch_us: 110 } }",
)

vector("devices", REQUEST, "the GPUs' processes as well", "id: 11 devices { processes: true }")
vector(
    "devices-result",
    RESPONSE,
    "a card of 50 % load that runs at 0 degrees and does not tell its power: a value of 0 is written, as a oneof has it",
    'id: 11 devices { devices { id: "gpu:0" name: "Card" readings { quantity: QUANTITY_UTILIZATION_PERCENT value: 50 }'
    " readings { quantity: QUANTITY_TEMPERATURE_CELSIUS value: 0 }"
    ' readings { quantity: QUANTITY_POWER_WATTS unavailable: "this card does not tell" }'
    ' throttle_reasons: "heat" processes { pid: 4242 name: "python3" kind: "compute" memory_bytes: 1048576 } }'
    ' notes: "a note" clock_ms: 1500 }',
)

path = REPOSITORY / "Tests/Fixtures/protocol/vectors.json"
path.write_text(json.dumps({"vectors": vectors}, indent=2) + "\n")
print(f"{path.relative_to(REPOSITORY)}: {len(vectors)} vectors")
