// Made by `make generate` from Sources/CSPARS/description: edit that instead.
/// Versions, threads and handles.

#ifndef SPARS_RUNTIME_H
#define SPARS_RUNTIME_H

/// The library's version, for example "0.1.0"; lives as long as the process.
const char *spars_version(void);

/// The instruction set the kernels chose at run time, for example "x86-64-v3"; lives as long as the
/// process.
const char *spars_instruction_set(void);

/// Refuses values of the environment variables SPARS_CPU, SPARS_NUM_THREADS and SPARS_OVERSUBSCRIBE
/// that were not followed: unknown, out of range, or an instruction set that this machine lacks.
int32_t spars_check_environment(spars_error *error);

/// Sets how many threads the kernels use, the caller's included: 1 to 256, and where count is more
/// than the processors that the process may use now, as many as those, for threads without one make
/// the others wait. Results are the same bits for every count. With SPARS_OVERSUBSCRIBE=1 in the
/// environment the count is used as it is.
int32_t spars_set_thread_count(int64_t count, spars_error *error);

/// How many threads the kernels use, which may be fewer than were asked for.
int64_t spars_thread_count(void);

/// Ends the object; its handle is stale from then on. Releasing 0 or a stale handle does nothing.
void spars_release(spars_handle handle);

#endif
