;; A clock that stands still at 1,700,000,000 s, so that equal work leaves equal bytes in every runtime.
(component
  (core module $module
    (memory (export "memory") 1)
    ;; now: a datetime at 16, seconds and then nanoseconds
    (func (export "now") (result i32)
      (i64.store (i32.const 16) (i64.const 1700000000))
      (i32.store (i32.const 24) (i32.const 0))
      (i32.const 16))
    ;; resolution: a millisecond
    (func (export "resolution") (result i32)
      (i64.store (i32.const 32) (i64.const 0))
      (i32.store (i32.const 40) (i32.const 1000000))
      (i32.const 32)))
  (core instance $core (instantiate $module))
  (type $datetime-here (record (field "seconds" u64) (field "nanoseconds" u32)))
  (func $now (result $datetime-here) (canon lift (core func $core "now") (memory (core memory $core "memory"))))
  (func $resolution (result $datetime-here) (canon lift (core func $core "resolution") (memory (core memory $core "memory"))))
  ;; An exported function may speak of exported types alone, so the instance is made through a component.
  (component $clock
    (type $record (record (field "seconds" u64) (field "nanoseconds" u32)))
    (import "datetime" (type $datetime (eq $record)))
    (import "now" (func $now (result $datetime)))
    (import "resolution" (func $resolution (result $datetime)))
    (export $exported "datetime" (type $datetime))
    (export "now" (func $now) (func (result $exported)))
    (export "resolution" (func $resolution) (func (result $exported))))
  (instance $wall-clock (instantiate $clock
    (with "datetime" (type $datetime-here))
    (with "now" (func $now))
    (with "resolution" (func $resolution))))
  (export "wasi:clocks/wall-clock@0.2.12" (instance $wall-clock)))
