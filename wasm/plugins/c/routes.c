// The plugin `routes`. It emits the three most frequent destinations of each day and origin.
#include <alluvium_plugin.h>

ALLUVIUM_WINDOWS(routes, .tumbling_ms = ALLUVIUM_HOURS(24), .lateness_ms = ALLUVIUM_HOURS(2), .key = {"origin"},
                 .time = "time_hour", .top = {.limit = 3, .item = {"dest"}})
