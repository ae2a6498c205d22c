/* plain-voice: a voice for tests that says in words all that a voice is given, a line a message. */
#ifndef PARLEY_TESTS_PLAIN_VOICE_H
#define PARLEY_TESTS_PLAIN_VOICE_H

#include "core/voice.h"

extern const struct voice		plain_voice;
extern const struct voice *const	plain_voices[];		/* it alone, ended by NULL */

#endif
