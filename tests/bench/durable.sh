# What `ack: Durable` costs and gives, for tests/bench/run: exports kept on disk before they are answered, a
# backlog that drains, a large store that opens. Sets figure[durable,…]; rows are printed by durable_rows.
# shellcheck shell=bash disable=SC2154 # the variables are those of tests/bench/run and pairs.sh

readonly durable_payloads=(1 100) durable_ratios=(20 5)
# Of each of 8 connections: a sync is shared by who waits for it. All of them fit into relay.memory, or
# exports are refused that h2load takes for sent.
declare -rA durable_streams=([1]=512 [100]=256)
readonly drained_mib=1024 backlog_mib=10240

metric() {  # RELAY'S NAME, SERIES; its value
  fetch "http://127.0.0.1:$(told "$1" admin)/metrics" | awk -v series="$2" '$1 == series { printf "%.0f\n", $2 }'
}

# From the first export sent to the last one delivered, so that nothing counts that only waits in a queue.
measure_durable() {  # SIDE RECORDS ACK
  local side=$1 records=$2 ack=$3 key=durable,$2,$1,$3 body=$work/$2.bin began sent arrived=0
  "$bin/bench_payload" "$records" >"$body"
  "${side}_second"
  if [[ $side == ours ]]; then ours_first "$link_port" None "$ack"; else theirs_first "$link_port" none fsync; fi
  began=$(now_us)
  streams=${durable_streams[$records]} load "$body" "$seconds"
  sent=$(awk '/^requests:/ { for (i = 1; i < NF; i++) if ($(i + 1) ~ /^succeeded/) print $i }' "$work/h2load.log")
  # A Collector's queue may take long: 40 s tell its rate.
  until ((arrived >= sent)) || (($(now_us) > began + 40000000)); do
    sleep 0.05
    arrived=$("${side}_arrived" "$records")
  done
  figure["$key"]=$((arrived * 1000000 / ($(now_us) - began)))
  stop_all
  say "$side, $ack, $records records an export: ${figure[$key]} delivered exports/s"
}

end() {  # SIGNAL PID
  kill "-$1" "$2"
  wait "$2" 2>/dev/null || true
}

export_on() {  # BODY FILE, OPTIONS OF h2load…; until it is ended
  exec h2load -t 1 -H content-type:application/grpc -H te:trailers -d "$1" "${@:2}" \
    "http://127.0.0.1:$otlp_port/opentelemetry.proto.collector.logs.v1.LogsService/Export" >"$work/h2load.log" 2>&1
}

fill_backlog() {  # MIB; of exports of 19.8 KB that the first keeps while there is no second
  local bytes=$(($1 << 20))
  export_on "$work/100.bin" -c "$clients" -m "${durable_streams[100]}" -D 600 &
  local load_pid=$!
  until (($(metric first postern_queue_bytes) >= bytes)); do sleep 0.1; done
  end TERM "$load_pid"
}

measure_backlog() {
  local empty began took drained port
  "$bin/bench_payload" 1 >"$work/1.bin"
  "$bin/bench_payload" 100 >"$work/100.bin"
  ours_second
  port=$link_port
  ours_first "$port" None Durable
  load "$work/100.bin" 2
  sleep 3 # at rest: what a burst took is given back
  empty=$(private_kb "$first_pid")
  end KILL "$second_pid"
  fill_backlog "$drained_mib"
  export_on "$work/1.bin" -c 4 -m 1 --rps 25 -D 600 --log-file "$work/latency" &
  local probe=$!
  drained=$(metric first postern_queue_bytes)
  began=$(now_us)
  ours_second "$port"
  until (($(metric first postern_queue_bytes) < drained / 20)); do sleep 0.05; done
  took=$(($(now_us) - began))
  end TERM "$probe"
  figure[durable,drain]=$((drained / took))
  figure[durable,latency]=$(awk '{ print $3 / 1000 }' "$work/latency" | sort -n | awk '{ a[NR] = $1 } END { printf "%.0f", a[int(NR * 0.99 + 0.5)] }')
  say "a backlog of $drained_mib MiB drained with ${figure[durable,drain]} MB/s; new exports were answered within ${figure[durable,latency]} ms (p99)"
  end KILL "$second_pid"
  fill_backlog "$backlog_mib"
  sleep 3
  figure[durable,growth]=$(awk -v kb=$(($(private_kb "$first_pid") - empty)) 'BEGIN { printf "%.1f", kb / 1024 }')
  say "a backlog of $backlog_mib MiB takes ${figure[durable,growth]} MB more memory than none"
  stop_all
  rm -rf "$work/first"
}

measure_reopening() {
  local told
  "$bin/bench_queue_open" write "$work/store" 1000000 >/dev/null
  told=$("$bin/bench_queue_open" open "$work/store")
  rm -rf "$work/store"
  figure[durable,open]=$(awk '{ for (i = 1; i < NF; i++) if ($(i + 1) ~ /^s;?$/) print $i }' <<<"$told" | head -n 1)
  say "reopening: $told"
}

measure_durability() {
  local i side
  local p50 p99 rate
  read -r p50 p99 rate < <("$bin/bench_disk" "$work/disk")
  figure[disk]=$(printf '%.1f / %.1f, %.0f' "$p50" "$p99" "$rate")
  for i in "${!durable_payloads[@]}"; do
    for side in $(sides); do measure_durable "$side" "${durable_payloads[i]}" Durable; done
  done
  measure_durable ours 1 EndToEnd
  measure_backlog
  measure_reopening
}

durable_rows() {
  local i records ours theirs ratio wanted bytes
  for i in "${!durable_payloads[@]}"; do
    records=${durable_payloads[i]} wanted=${durable_ratios[i]}
    ours=${figure[durable,$records,ours,Durable]} theirs=${figure[durable,$records,theirs,Durable]:-–}
    bytes=$(($(stat --format %s "$work/$records.bin") - 5)) ratio=$(divide "$ours" "${theirs/–/0}")
    row "delivered exports/s of $bytes B, \`ack: Durable\`; file_storage with fsync" "$ours" "$theirs" "$ratio x" "$wanted x" \
      "$(holds "${ratio/–/0} >= $wanted")"
  done
  ratio=$(divide "${figure[durable,1,ours,Durable]}" "${figure[durable,1,ours,EndToEnd]}")
  row "… of 332 B beside our own EndToEnd" "${figure[durable,1,ours,Durable]}" "(${figure[durable,1,ours,EndToEnd]})" "$ratio" "≥ 0.6" "$(holds "$ratio >= 0.6")"
  row "… this disk: fdatasync p50 / p99 ms, MB/s" "${figure[disk]}" – – – –
  row "draining a backlog of 1 GiB, MB/s" "${figure[durable,drain]}" – – "≥ 150" "$(holds "${figure[durable,drain]} >= 150")"
  row "… new exports answered meanwhile, p99 ms" "${figure[durable,latency]}" – – "< 1000" "$(holds "${figure[durable,latency]} < 1000")"
  row "memory for a backlog of 10 GiB, MB more than for none" "${figure[durable,growth]}" – – "≤ 16" "$(holds "${figure[durable,growth]} <= 16")"
  row "reopening 10 GiB with 1,000,000 records, s" "${figure[durable,open]}" – – "≤ 2" "$(holds "${figure[durable,open]} <= 2")"
}
