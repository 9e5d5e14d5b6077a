# Pairs of programs to measure, for tests/bench/run: ours and the Collector's, set up alike. OTLP/gRPC in
# plaintext to the first, mutual TLS between them, the second throws away what it gets.
#
#   ours_second; ours_first "$link_port"; …; stop_all
#   theirs_second; theirs_first "$link_port" zstd; …; stop_all
#
# They set first_pid, second_pid, otlp_port, link_port (of the second) and count_page (where the second
# tells what arrived). Everything is below $work; every port is a free one.
# shellcheck shell=bash disable=SC2034 # the variables are read by tests/bench/run

started=()
first_pid="" second_pid="" otlp_port="" link_port="" count_page=""

start() {  # NAME PROGRAM ARGUMENTS…
  setpriv --pdeathsig KILL "${@:2}" >"$work/$1.log" 2>&1 </dev/null &
  started+=($!)
}

stop_all() {
  local pid
  for pid in "${started[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${started[@]}"; do wait "$pid" 2>/dev/null || true; done
  started=()
}

# Waits until a command succeeds, for 15 s, as long as the program last started lives.
await() {  # NAME COMMAND…
  local deadline=$((SECONDS + 15))
  until "${@:2}" >/dev/null 2>&1; do
    if ! kill -0 "${started[-1]}" 2>/dev/null || ((SECONDS > deadline)); then
      tail -n 5 "$work/$1.log" >&2
      fail "$1 did not start (all of its log: $work/$1.log)"
    fi
    sleep 0.05
  done
}

fetch() { curl --silent --fail --noproxy '*' --max-time 5 "$1"; }

free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000)) # below those that the kernel gives to clients
    (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  done
  echo "$port"
}

# --- ours ---

told() { awk -v key="$2:" '$1 == key { print $2 }' "$work/$1/relay.yaml"; }  # NAME KEY

start_relay() {  # NAME
  rm -rf "${work:?}/$1"
  mkdir "$work/$1"
  start "$1" "$bin/postern-relay" --config "$work/$1.yaml" --state "$work/$1" --log-level warn
  await "$1" test -f "$work/$1/relay.yaml"
  await "$1" fetch "http://127.0.0.1:$(told "$1" admin)/readyz"
}

ours_second() {  # [LINK PORT]
  cat >"$work/second.yaml" <<YAML
kind: ManagementServer
name: second
host: second.bench.example
port: ${1:-0}
certificate: {chain: $work/pki/second.crt, key: $work/pki/second.key, roots: $work/pki/roots.crt}
members: ["*"]
relay: {bind: 127.0.0.1, admin: 0, backends: [{name: nowhere, discard: {}}]}
YAML
  start_relay second
  second_pid=${started[-1]} link_port=$(told second link)
  count_page=http://127.0.0.1:$(told second admin)/metrics
}

ours_first() {  # PORT OF THE SECOND [COMPRESSION] [ACK]
  cat >"$work/first.yaml" <<YAML
kind: Gateway
name: first
host: first.bench.example
certificate: {chain: $work/pki/first.crt, key: $work/pki/first.key, roots: $work/pki/roots.crt}
parents: [{name: second, host: second.bench.example, addresses: ["127.0.0.1:$1"]}]
compression: ${2:-Auto}
relay: {bind: 127.0.0.1, admin: 0, queue: {ack: ${3:-EndToEnd}, maxBytes: 16Gi}, otlp: {grpc: 0}}
YAML
  start_relay first
  first_pid=${started[-1]} otlp_port=$(told first otlpGrpc)
}

# Exports that reached the end.
ours_arrived() {  # RECORDS IN AN EXPORT
  fetch "$count_page" | awk '/^postern_backend_delivered_records_total/ { n += $NF } END { printf "%d\n", n }'
}

# --- the Collector's ---

theirs_second() {
  local port
  link_port=$(free_port) port=$(free_port)
  cat >"$work/second.yaml" <<YAML
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 127.0.0.1:$link_port
        max_recv_msg_size_mib: 64
        tls: {cert_file: $work/pki/second.crt, key_file: $work/pki/second.key, client_ca_file: $work/pki/roots.crt}
exporters: {nop: {}}
service:
  telemetry:
    logs: {level: error}
    metrics: {level: basic, readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: $port}}}}]}
  pipelines: {logs: {receivers: [otlp], exporters: [nop]}}
YAML
  start second "$collector" --config "$work/second.yaml"
  second_pid=${started[-1]} count_page=http://127.0.0.1:$port/metrics
  await second fetch "$count_page"
  await second listens "$link_port"
}

theirs_first() {  # PORT OF THE SECOND [COMPRESSION] [fsync]
  local queue='{enabled: false}' extension=''
  if [[ ${3:-} == fsync ]]; then
    queue='{enabled: true, storage: file_storage, queue_size: 100000, block_on_overflow: true}'
    extension='extensions: [file_storage]'
  fi
  otlp_port=$(free_port)
  cat >"$work/first.yaml" <<YAML
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:$otlp_port", max_recv_msg_size_mib: 64}}}}
exporters:
  otlp_grpc:
    endpoint: 127.0.0.1:$1
    compression: ${2:-none}
    sending_queue: $queue
    tls:
      ca_file: $work/pki/roots.crt
      cert_file: $work/pki/first.crt
      key_file: $work/pki/first.key
      server_name_override: second.bench.example
extensions: {file_storage: {directory: $work/first.store, create_directory: true, fsync: true}}
service:
  $extension
  telemetry: {logs: {level: error}, metrics: {level: none}}
  pipelines: {logs: {receivers: [otlp], exporters: [otlp_grpc]}}
YAML
  start first "$collector" --config "$work/first.yaml"
  first_pid=${started[-1]}
  await first listens "$otlp_port"
}

listens() { (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }  # PORT

theirs_arrived() {  # RECORDS IN AN EXPORT
  fetch "$count_page" |
    awk -v each="$1" '/^otelcol_receiver_accepted_log_records/ { n += $NF } END { printf "%d\n", n / each }'
}
