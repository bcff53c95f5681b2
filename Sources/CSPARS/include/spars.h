// Made by `make generate` from Sources/CSPARS/description: edit that instead.
/// The C ABI of spars: what any language may call, and all that the CPython shim knows.
///
/// Rules that hold for every function
/// - It returns a `spars_status`; `SPARS_OK` is 0. On failure it fills `*error` (which may be NULL)
///   and writes nothing to its outputs that a caller may rely on.
/// - It checks everything again: null pointers, counts, products that overflow, stale handles. It
///   never traps and never calls `exit`.
/// - Inputs are read during the call and never kept. Outputs are buffers of the caller's.
/// - Arrays are C-contiguous and indexed [x, y, z]: z varies fastest.
/// - Objects are named by handles, 64-bit numbers that are never used twice. `spars_release` ends
///   one.
/// - A function that takes a `spars_control` is long: it calls `poll` from the calling thread about
///   every 20 ms and stops with `SPARS_INTERRUPTED` when `poll` returns non-zero.
/// - Booleans are 0 or 1. A choice is the number of its name in `SPARS_..._NAMES`, from 0 on.

#ifndef SPARS_H
#define SPARS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What went wrong; one table in the shim maps each to a Python exception.
typedef enum {
    SPARS_OK = 0,
    SPARS_INVALID_ARGUMENT = 1,  ///< a value outside its documented range (ValueError)
    SPARS_BAD_FORMAT = 2,  ///< a file that is broken, truncated or lying (spars.FormatError)
    SPARS_IO = 3,  ///< the operating system refused (OSError)
    SPARS_INTERRUPTED = 4,  ///< `poll` asked to stop (the pending Python exception)
    SPARS_CALLBACK_FAILED = 5,  ///< a callback returned non-zero (the pending Python exception)
    SPARS_STALE_HANDLE = 6,  ///< no living object of the wanted kind has this handle (RuntimeError)
    SPARS_NOT_FINITE = 7,  ///< NaN or infinity, named by tensor (spars.NonFiniteError)
    SPARS_OUT_OF_MEMORY = 8,  ///< the request exceeds the stated limit (MemoryError)
    SPARS_INTERNAL = 9  ///< our bug (spars.InternalError)
} spars_status;
#define SPARS_STATUS_NAMES "OK,INVALID_ARGUMENT,BAD_FORMAT,IO,INTERRUPTED,CALLBACK_FAILED,STALE_HANDLE,NOT_FINITE,OUT_OF_MEMORY,INTERNAL"

/// Where a failing function explains itself. UTF-8, always terminated.
/// `code` is `errno` for SPARS_IO and 0 otherwise.
typedef struct {
    int32_t status;
    int32_t code;
    char parameter[64];
    char message[1024];
} spars_error;

/// Names a living object; 0 names none.
typedef uint64_t spars_handle;

/// How a long call reports progress and is stopped.
/// `poll` receives work done and work planned (planned is 0 where it is unknown).
typedef struct {
    int32_t (*poll)(void *context, int64_t done, int64_t planned);
    void *context;
} spars_control;

#include "spars_runtime.h"
#include "spars_ppo.h"
#include "spars_agent_file.h"
#include "spars_field.h"
#include "spars_game.h"
#include "spars_rules.h"
#include "spars_metrics.h"
#include "spars_phantom.h"
#include "spars_volume.h"
#include "spars_classifier.h"
#include "spars_explanation.h"
#include "spars_trainer.h"
#include "spars_crossing.h"
#include "spars_working.h"
#include "spars_selfplay.h"
#include "spars_pool.h"
#include "spars_league.h"
#include "spars_lesions.h"

#ifdef __cplusplus
}
#endif

#endif
