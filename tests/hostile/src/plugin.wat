;; A plugin by hand, for tests, which fill in the body of `process`: `by_hand.rs` makes a component of it.
(module
  (import "alluvium:checkpoint/state@0.2.0" "put" (func $put-in (param i32 i32 i32 i32 i32 i32)))
  (import "alluvium:checkpoint/state@0.2.0" "apply"
    (func $apply-in (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "alluvium:checkpoint/state@0.2.0" "delete" (func $delete-in (param i32 i32 i32 i32)))
  (import "alluvium:checkpoint/state@0.2.0" "iterate" (func $iterate-in (param i32 i32 i32 i32)))
  (import "alluvium:checkpoint/state@0.2.0" "get" (func $get-in (param i32 i32 i32 i32)))
  (import "alluvium:checkpoint/state@0.2.0" "get-many" (func $get-many-in (param i32 i32 i32 i32 i32 i32)))
  (import "alluvium:checkpoint/state@0.2.0" "len" (func $len-in (param i32 i32)))
  (import "alluvium:checkpoint/state@0.2.0" "[method]cursor.next" (func $next (param i32 i32 i32)))
  (import "alluvium:checkpoint/state@0.2.0" "[resource-drop]cursor" (func $drop-cursor (param i32)))
  (import "alluvium:checkpoint/state@0.2.0" "namespace" (func $namespace (param i32 i32 i32)))
  (import "alluvium:checkpoint/state@0.2.0" "scan" (func $scan-in (param i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "alluvium:checkpoint/state@0.2.0" "delete-range" (func $delete-range-in (param i32 i32 i32 i32 i32 i32 i32)))
  (import "alluvium:checkpoint/time@0.2.0" "watermark" (func $watermark (param i32)))
  (import "alluvium:checkpoint/time@0.2.0" "set-timer" (func $set-timer-at (param i32 i64 i32 i32 i32)))
  (import "alluvium:checkpoint/time@0.2.0" "delete-timer" (func $delete-timer-at (param i32 i64 i32 i32 i32)))
  (import "alluvium:checkpoint/logging@0.2.0" "log" (func $log (param i32 i32 i32)))
  (import "alluvium:checkpoint/sink@0.2.0" "emit" (func $emit-to (param i32 i32 i32 i32)))
  (import "wasi:clocks/monotonic-clock@0.2.0" "now" (func $now (result i64)))
  (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $timer (param i64) (result i32)))
  (import "wasi:cli/stderr@0.2.0" "get-stderr" (func $stderr (result i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush"
    (func $say (param i32 i32 i32 i32)))
  (import "wasi:filesystem/preopens@0.2.0" "get-directories" (func $directories (param i32)))
  (import "[export]alluvium:by-hand/things" "[resource-new]thing" (func $thing (param i32) (result i32)))

  (memory (export "memory") 64)
  (global $free (mut i32) (i32.const 65536))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get 3)))
    (local.get $at))
  (table $table 1 funcref)

  ;; What it says of itself: delays, schema version 1, one input, one output, no namespaces or parameters.
  (data (i32.const 160) "delays")
  (data (i32.const 192) "\a0\00\00\00\06\00\00\00\01\00\00\00")
  (data (i32.const 204) "\00\01\00\00\01\00\00\00")
  (data (i32.const 212) "\20\01\00\00\01\00\00\00")
  (data (i32.const 220) "\60\01\00\00\00\00\00\00")
  (data (i32.const 228) "\a0\01\00\00\00\00\00\00")
  ;; The input flights, of columns; the output alerts, of lines.
  (data (i32.const 256) "\40\01\00\00\07\00\00\00\00\00\00\00")
  (data (i32.const 288) "\50\01\00\00\06\00\00\00\00\00\00\00")
  (data (i32.const 320) "flights")
  (data (i32.const 336) "alerts")
  ;; Not counted above: the namespace windows, ordered by its first 8 bytes; the parameter limit, 5 by default.
  (data (i32.const 352) "\58\02\00\00\07\00\00\00\01\00\00\00\08\00\00\00")
  (data (i32.const 416) "\68\02\00\00\05\00\00\00\01\00\00\00\70\02\00\00\01\00\00\00\78\02\00\00\08\00\00\00")
  (data (i32.const 600) "windows")
  (data (i32.const 616) "limit")
  (data (i32.const 624) "5")
  (data (i32.const 632) "a number")

  ;; The same calls in namespace 0, and to the only output.
  (func $put (param i32 i32 i32 i32 i32)
    (call $put-in (i32.const 0) (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4)))
  (func $delete (param i32 i32 i32)
    (call $delete-in (i32.const 0) (local.get 0) (local.get 1) (local.get 2)))
  (func $iterate (param i32 i32 i32)
    (call $iterate-in (i32.const 0) (local.get 0) (local.get 1) (local.get 2)))
  (func $emit (param i32 i32 i32)
    (call $emit-to (i32.const 0) (local.get 0) (local.get 1) (local.get 2)))

  ;; A range with both ends, of which at most 10 entries are read; timers at times of 32 bits.
  (func $scan (param i32 i32 i32 i32 i32 i32)
    (call $scan-in (local.get 0) (local.get 1) (local.get 2) (i32.const 1) (local.get 3) (local.get 4) (i32.const 0)
      (i32.const 10) (local.get 5)))
  (func $delete-range (param i32 i32 i32 i32 i32 i32)
    (call $delete-range-in (local.get 0) (local.get 1) (local.get 2) (i32.const 1) (local.get 3) (local.get 4)
      (local.get 5)))
  (func $set-timer (param i32 i32 i32 i32 i32)
    (call $set-timer-at (local.get 0) (i64.extend_i32_s (local.get 1)) (local.get 2) (local.get 3) (local.get 4)))
  (func $delete-timer (param i32 i32 i32 i32 i32)
    (call $delete-timer-at (local.get 0) (i64.extend_i32_s (local.get 1)) (local.get 2) (local.get 3) (local.get 4)))

  ;; At address 16 there are zeros: a result that is empty and ok.
  (func (export "alluvium:checkpoint/operator@0.2.0#describe") (result i32)
    ;; DESCRIBE
    (i32.const 192))
  (func (export "alluvium:checkpoint/operator@0.2.0#open") (param i32 i32) (result i32) (i32.const 16))
  (func (export "alluvium:checkpoint/operator@0.2.0#begin") (param i32 i32 i32) (result i32) (i32.const 16))
  ;; The input, the format of the batch, and for columns: the records, the lengths of the fields, the fields.
  (func $process (export "alluvium:checkpoint/operator@0.2.0#process")
    (param $input i32) (param $format i32)
    (param $count i32) (param $lens i32) (param $lens-len i32) (param $fields i32) (param $fields-len i32)
    (result i32) PROCESS)
  (func (export "alluvium:checkpoint/operator@0.2.0#results") (param $start i32) (param $limit i32) (result i32)
    ;; RESULTS
    (i32.const 16))
  ;; MORE
  ;; MIGRATION
)
