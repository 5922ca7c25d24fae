// The plugin `aircraft`. It emits how many flights each aircraft makes without a pause of twelve hours.
#include <alluvium_plugin.h>

ALLUVIUM_WINDOWS(aircraft, .session_gap_ms = ALLUVIUM_HOURS(12), .lateness_ms = ALLUVIUM_HOURS(2), .key = {"tailnum"},
                 .time = "time_hour", .count = true)
