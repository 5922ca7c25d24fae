;; A plugin by hand, for tests, which fill in the body of `process`; and, where they replace the
;; lines of MIGRATION, that of `migrate`.
(component
  (import "wasi:io/poll@0.2.0" (instance $poll (export "pollable" (type (sub resource)))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (alias outer 1 $pollable (type $outer))
    (export "pollable" (type $pollable (eq $outer)))
    (export "now" (func (result u64)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $pollable))))))
  (import "alluvium:checkpoint/state@0.1.0" (instance $state
    (type $variant (variant
      (case "not-found" string) (case "already-exists" string) (case "corruption" string) (case "fenced" string)
      (case "no-space" string) (case "limit-exceeded" string) (case "invalid-input" string)
      (case "backpressure" string) (case "reopen" string) (case "unsupported" string) (case "io" string)
      (case "other" string)))
    (export "error" (type $error (eq $variant)))
    (export "cursor" (type $cursor (sub resource)))
    (export "put" (func (param "key" (list u8)) (param "value" (list u8)) (result (result (error $error)))))
    (export "delete" (func (param "key" (list u8)) (result (result bool (error $error)))))
    (export "iterate" (func (param "prefix" (list u8)) (result (result (own $cursor) (error $error)))))))
  (import "alluvium:checkpoint/sink@0.1.0" (instance $sink
    (export "emit" (func (param "line" (list u8)) (result (result (error string)))))))
  (import "wasi:filesystem/types@0.2.0" (instance $files (export "descriptor" (type (sub resource)))))
  (alias export $files "descriptor" (type $descriptor))
  (import "wasi:filesystem/preopens@0.2.0" (instance $preopens
    (alias outer 1 $descriptor (type $outer))
    (export "descriptor" (type $descriptor (eq $outer)))
    (export "get-directories" (func (result (list (tuple (own $descriptor) string)))))))
  (type $thing (resource (rep i32)))

  (core module $libc
    (memory (export "memory") 64)
    (global $free (mut i32) (i32.const 65536))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
      (global.set $free (i32.add (local.get $at) (local.get 3)))
      (local.get $at)))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc))
  (core func $now (canon lower (func $clock "now")))
  (core func $timer (canon lower (func $clock "subscribe-duration")))
  (core func $put (canon lower (func $state "put") (memory $memory) (realloc $realloc)))
  (core func $delete (canon lower (func $state "delete") (memory $memory) (realloc $realloc)))
  (core func $emit (canon lower (func $sink "emit") (memory $memory) (realloc $realloc)))
  (core func $directories (canon lower (func $preopens "get-directories") (memory $memory) (realloc $realloc)))
  (core func $thing (canon resource.new $thing))
  (core func $iterate (canon lower (func $state "iterate") (memory $memory) (realloc $realloc)))

  (core module $operator
    (import "libc" "memory" (memory 64))
    (import "host" "now" (func $now (result i64)))
    (import "host" "timer" (func $timer (param i64) (result i32)))
    (import "host" "put" (func $put (param i32 i32 i32 i32 i32)))
    (import "host" "delete" (func $delete (param i32 i32 i32)))
    (import "host" "iterate" (func $iterate (param i32 i32 i32)))
    (import "host" "emit" (func $emit (param i32 i32 i32)))
    (import "host" "directories" (func $directories (param i32)))
    (import "host" "thing" (func $thing (param i32) (result i32)))
    (table $table 1 funcref)
    ;; describe: delays, schema version 1.
    (data (i32.const 128) "\a0\00\00\00\06\00\00\00\01\00\00\00")
    (data (i32.const 160) "delays")
    (func (export "describe") (result i32) (i32.const 128))
    (func (export "open") (param i32 i32) (result i32) (i32.const 16))
    (func $process (export "process") (param i64 i32 i32 i32 i32 i32) (result i32) PROCESS)
    ;; MIGRATION 1
    (func (export "results") (param i32 i32) (result i32) (i32.const 16)))
  (core instance $operator (instantiate $operator
    (with "libc" (instance $libc))
    (with "host" (instance
      (export "now" (func $now)) (export "timer" (func $timer))
      (export "put" (func $put)) (export "delete" (func $delete)) (export "iterate" (func $iterate)) (export "emit" (func $emit))
      (export "directories" (func $directories)) (export "thing" (func $thing))))))

  (type $records (record
    (field "first-record" u64) (field "count" u32) (field "field-lens" (list u32)) (field "fields" (list u8))))
  (type $description (record (field "name" string) (field "schema-version" u32)))
  (func $describe (result $description)
    (canon lift (core func $operator "describe") (memory $memory) (realloc $realloc)))
  (func $open (param "header" (list string)) (result (result (error string)))
    (canon lift (core func $operator "open") (memory $memory) (realloc $realloc)))
  (func $process (param "batch" $records) (result (result (error string)))
    (canon lift (core func $operator "process") (memory $memory) (realloc $realloc)))
  (func $results (param "start" bool) (param "limit" u32) (result (result (list string) (error string)))
    (canon lift (core func $operator "results") (memory $memory) (realloc $realloc)))

  ;; An exported interface names its types: only an instance of a component of its own can.
  (component $named
    (type $of-records (record
      (field "first-record" u64) (field "count" u32) (field "field-lens" (list u32)) (field "fields" (list u8))))
    (type $of-description (record (field "name" string) (field "schema-version" u32)))
    (import "records" (type $records (eq $of-records)))
    (import "description" (type $description (eq $of-description)))
    (import "describe" (func $describe (result $description)))
    (import "open" (func $open (param "header" (list string)) (result (result (error string)))))
    (import "process" (func $process (param "batch" $records) (result (result (error string)))))
    (import "results" (func $results
      (param "start" bool) (param "limit" u32) (result (result (list string) (error string)))))
    (export $exported "records" (type $records))
    (export $described "description" (type $description))
    (export "describe" (func $describe) (func (result $described)))
    (export "open" (func $open))
    (export "process" (func $process) (func (param "batch" $exported) (result (result (error string)))))
    (export "results" (func $results)))
  (instance $interface (instantiate $named
    (with "records" (type $records)) (with "description" (type $description)) (with "describe" (func $describe))
    (with "open" (func $open)) (with "process" (func $process))
    (with "results" (func $results))))
  (export "alluvium:checkpoint/operator@0.1.0" (instance $interface))
  ;; MIGRATION 2
)
