#include "upstream/fault.h"

static const struct fault_rule rules[] = {
#define FAULT(kind, name, breaks, again, elsewhere) [kind] = { name, breaks, again, elsewhere },
#include "upstream/fault.def"
#undef FAULT
};

const struct fault_rule *
fault_rule(enum fault f)
{
	return &rules[f];
}

enum fault
fault_of_status(int status)
{
	switch (status) {
	case 429:
		return FAULT_LIMITED;
	case 400:
	case 413:
	case 422:
		return FAULT_REQUEST;
	default:
		return status >= 500 ? FAULT_SERVER : FAULT_DENIED;
	}
}
