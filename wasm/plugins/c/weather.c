// The plugin `weather`. It emits the mean temperature of each day at each airport, in degrees Fahrenheit.
#include <alluvium_plugin.h>

ALLUVIUM_WINDOWS(weather, .tumbling_ms = ALLUVIUM_HOURS(24), .lateness_ms = ALLUVIUM_HOURS(1), .key = {"origin"},
                 .time = "time_hour", .mean = "temp")
