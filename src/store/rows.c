#include "store/rows.h"

#include <stdbool.h>

#include "store/api_key.h"
#include "store/app.h"
#include "store/archive.h"
#include "store/assistant.h"
#include "store/call.h"
#include "store/chats.h"
#include "store/checkpoint.h"
#include "store/contact.h"
#include "store/dialogue.h"
#include "store/document.h"
#include "store/idem.h"
#include "store/intent.h"
#include "store/job.h"
#include "store/ledger.h"
#include "store/model.h"
#include "store/node.h"
#include "store/report.h"
#include "store/segment.h"
#include "store/session.h"
#include "store/task.h"
#include "store/tool.h"
#include "store/turn.h"
#include "store/user.h"
#include "store/vote.h"

/* No default: a member of any other type does not compile. */
#define COL_TYPE(x)	_Generic((x), int64_t: COL_I64, int: COL_INT, bool: COL_BOOL, \
			    double: COL_F64, char *: COL_STR)
#define COL(st, member)	\
	{ #member, COL_TYPE(((struct st *)NULL)->member), offsetof(struct st, member) }

#define ROW(name, st, ...) static const struct col name##_cols[] = { __VA_ARGS__ };
#include "store/rows.def"
#undef ROW

const struct row rows[ROW_COUNT] = {
#define ROW(name, st, ...) \
	{ #name, sizeof(struct st), name##_cols, sizeof(name##_cols) / sizeof(struct col) },
#include "store/rows.def"
#undef ROW
};
