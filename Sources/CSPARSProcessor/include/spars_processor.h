#ifndef SPARS_PROCESSOR_H
#define SPARS_PROCESSOR_H

/// The highest x86-64 micro-architecture level (1 to 4) that this processor and its operating
/// system support; 1 on every other architecture.
int spars_processor_level(void);

/// How many processors this process may use, 1 or more: those its affinity allows where the system
/// keeps one, else those online.
int spars_processor_count(void);

/// Tells the processor that this is a loop which waits, so that it saves power and leaves its
/// pipeline to the sibling thread.
static inline void spars_processor_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/// Asks for the line of memory at the address to be brought near, into the second cache.
static inline void spars_processor_prefetch(const void *address) {
    __builtin_prefetch(address, 0, 2);
}

#endif
