/* sanitizer: what the compiler adds. gcc and clang tell it each in a way of its own. */
#ifndef PARLEY_SANITIZER_H
#define PARLEY_SANITIZER_H

#ifdef __has_feature
#define SANITIZER_FEATURE(name)	__has_feature(name)
#else
#define SANITIZER_FEATURE(name)	0
#endif

#if defined __SANITIZE_ADDRESS__ || SANITIZER_FEATURE(address_sanitizer)
#define SANITIZED_ADDRESSES
#endif
/* The program takes much room, looks at itself in /proc, limits its core, catches its own crash. */
#if defined SANITIZED_ADDRESSES || defined __SANITIZE_THREAD__ || \
    SANITIZER_FEATURE(thread_sanitizer)
#define SANITIZED
#endif

#endif
