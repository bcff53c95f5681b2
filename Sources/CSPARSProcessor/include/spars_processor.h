#ifndef SPARS_PROCESSOR_H
#define SPARS_PROCESSOR_H

/// The highest x86-64 micro-architecture level (1 to 4) that this processor and its operating
/// system support; 1 on every other architecture.
int spars_processor_level(void);

#endif
