// The plugin `joined` by the harness.
#include "joined.c"

#include <alluvium/harness.h>

static const char *const INPUTS[] = {"carrier,flight,tailnum,origin,dest,time_hour\n"
                                     "UA,7,N1,EWR,IAH,2013-01-01T10:00:00Z\n"
                                     "AA,8,N2,JFK,MIA,2013-01-01T10:00:00Z\n",
                                     "origin,time_hour,temp,visib\nEWR,2013-01-01T10:00:00Z,39.5,NA\n",
                                     "tailnum,manufacturer,seats\nN2,BOEING,178\n"};

int main(void) {
    // The order of the inputs does not matter.
    const uint32_t orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 2, 0}};
    for (size_t order = 0; order < sizeof orders / sizeof *orders; order++) {
        alluvium_harness *harness = ALLUVIUM_HARNESS(joined);
        for (size_t at = 0; at < 3; at++) {
            uint32_t input = orders[order][at];
            ALLUVIUM_OK(alluvium_harness_feed_to(harness, input, alluvium_text_of(INPUTS[input])));
            alluvium_harness_checkpoint(harness);
            ALLUVIUM_OK(alluvium_harness_crash(harness));
        }
        ALLUVIUM_OK(alluvium_harness_watermark(harness, "2013-01-01T11:00:00Z"));
        ALLUVIUM_EMITTED(harness, 0,
                         "{\"carrier\":\"AA\",\"flight\":8,\"hour\":\"2013-01-01T10:00:00Z\",\"tailnum\":\"N2\","
                         "\"origin\":\"JFK\",\"dest\":\"MIA\",\"temp\":null,\"visib\":null,"
                         "\"manufacturer\":\"BOEING\",\"seats\":178}",
                         "{\"carrier\":\"UA\",\"flight\":7,\"hour\":\"2013-01-01T10:00:00Z\",\"tailnum\":\"N1\","
                         "\"origin\":\"EWR\",\"dest\":\"IAH\",\"temp\":39.5,\"visib\":null,"
                         "\"manufacturer\":null,\"seats\":null}");
        if (alluvium_harness_entries(harness, "waiting")->count) alluvium_bug("a flight still waits");
        alluvium_harness_free(harness);
    }
}
