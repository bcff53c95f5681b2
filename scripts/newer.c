// What Swift's runtime calls and a system with glibc 2.28 has not, for scripts/manylinux_wheel.sh.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

// Of libstdc++, where an array is too large and where an assertion fails.
void _ZSt28__throw_bad_array_new_lengthv(void) { __builtin_trap(); }
void _ZSt21__glibcxx_assert_failPKciS0_S0_(void) { __builtin_trap(); }

// Of glibc 2.38, whose headers rename these for C23: they read numbers in base two as well.
long __isoc23_strtol(const char *text, char **end, int base) { return strtol(text, end, base); }
long long __isoc23_strtoll(const char *text, char **end, int base) {
    return strtoll(text, end, base);
}
int __isoc23_sscanf(const char *text, const char *format, ...) {
    va_list values;
    va_start(values, format);
    int found = vsscanf(text, format, values);
    va_end(values);
    return found;
}
