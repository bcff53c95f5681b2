/* The C library as a module, for a compiler whose arm64 target knows no operating system. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/* Swift calls no variadic functions. */
static inline int openExisting(const char *path, int flags) { return open(path, flags); }
static inline int openWithMode(const char *path, int flags, mode_t mode) {
    return open(path, flags, mode);
}
