// The plugin `unique`. It emits the flight with which an aircraft goes to a place for the first time in a week.
#include <alluvium_plugin.h>

ALLUVIUM_DEDUPLICATE(unique, .key = {"tailnum", "dest"}, .time = "time_hour", .within_ms = ALLUVIUM_DAYS(7))
