#if defined(__linux__)
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#endif
#include <unistd.h>

#include "spars_processor.h"

#if defined(__x86_64__)
int spars_processor_level(void) {
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
        !__builtin_cpu_supports("bmi") || !__builtin_cpu_supports("bmi2"))
        return 1;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512cd") || !__builtin_cpu_supports("avx512dq") ||
        !__builtin_cpu_supports("avx512vl"))
        return 3;
    return 4;
}
#else
int spars_processor_level(void) { return 1; }
#endif

static long online_processors(void) {
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? count : 1;
}

#if defined(__linux__)
int spars_processor_count(void) {
    // The system refuses a set smaller than its own, whose size it does not tell.
    for (int places = CPU_SETSIZE; places <= 1 << 20; places *= 2) {
        cpu_set_t *set = CPU_ALLOC(places);
        if (!set) break;
        size_t size = CPU_ALLOC_SIZE(places);
        int failed = sched_getaffinity(0, size, set) != 0;
        int is_too_small = failed && errno == EINVAL;
        int count = failed ? 0 : CPU_COUNT_S(size, set);
        CPU_FREE(set);
        if (count > 0) return count;
        if (!is_too_small) break;
    }
    return (int)online_processors();
}
#else
int spars_processor_count(void) { return (int)online_processors(); }
#endif
