-- Tenants, users, models, tasks, sessions with their lanes, turns with their answers, money, votes.
--
-- Statements of a migration can be repeated: one that died halfway is applied again. Ids come from
-- the program, times are milliseconds since 1970 in UTC, NULL in a *_ms column: it did not happen.
-- NOPAD: 'ann' and 'ann ' are two people.

CREATE TABLE IF NOT EXISTS tenant (
	id		BIGINT NOT NULL COMMENT '1 is the tenant "default"',
	name		VARCHAR(190) NOT NULL COMMENT 'what the command line calls it',
	created_ms	BIGINT NOT NULL COMMENT 'when it was added',
	PRIMARY KEY (id),
	UNIQUE KEY tenant_name (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='organisations that share an installation and see nothing of each other';

INSERT INTO tenant (id, name, created_ms)
	VALUES (1, 'default', ROUND(UNIX_TIMESTAMP(NOW(3)) * 1000))
	ON DUPLICATE KEY UPDATE name = name;

CREATE TABLE IF NOT EXISTS user (
	id		BIGINT NOT NULL COMMENT 'given at the first request',
	tenant		BIGINT NOT NULL COMMENT 'whose user it is',
	subject		VARCHAR(255) NOT NULL
			COMMENT 'what the gateway, the token or the key calls the user',
	name		TEXT NULL
			COMMENT 'for display, from the token or the key; NULL: none known',
	avatar		TEXT NULL COMMENT 'address of a picture; NULL: none known',
	created_ms	BIGINT NOT NULL COMMENT 'when first seen',
	PRIMARY KEY (id),
	UNIQUE KEY user_subject (tenant, subject),
	CONSTRAINT user_tenant FOREIGN KEY (tenant) REFERENCES tenant (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='people who talk, as others know them';

CREATE TABLE IF NOT EXISTS model (
	id		BIGINT NOT NULL COMMENT 'of this registration',
	code		VARCHAR(64) NOT NULL COMMENT 'what clients call it',
	name		VARCHAR(255) NOT NULL COMMENT 'for display',
	kind		ENUM('chat', 'image', 'audio', 'embedding') NOT NULL
			COMMENT 'what it is asked for',
	url		VARCHAR(2048) NOT NULL COMMENT 'base address of its API, with /v1',
	upstream_name	VARCHAR(255) NOT NULL COMMENT 'what the upstream calls it',
	key_env		VARCHAR(255) NULL
			COMMENT 'environment variable that holds its key; NULL: none',
	key_file	VARCHAR(1024) NULL COMMENT 'file that holds its key; NULL: none',
	price_in	DECIMAL(18,8) NOT NULL COMMENT 'for a million prompt tokens',
	price_out	DECIMAL(18,8) NOT NULL COMMENT 'for a million completion tokens',
	arena		TINYINT(1) NOT NULL COMMENT '1: may be drawn for an arena session',
	enabled		TINYINT(1) NOT NULL COMMENT '0: takes no new work',
	logo		VARCHAR(2048) NULL COMMENT 'address of a picture; NULL: none',
	context_tokens	INT NOT NULL COMMENT 'size of its window; 0: unknown, nothing is trimmed',
	max_tokens	INT NOT NULL COMMENT 'most tokens of an answer; 0: not asked for',
	connect_s	INT NOT NULL COMMENT 'seconds to connect; 0: the setting',
	first_token_s	INT NOT NULL COMMENT 'seconds until the first token; 0: the setting',
	idle_s		INT NOT NULL COMMENT 'seconds between two tokens; 0: the setting',
	total_s		INT NOT NULL COMMENT 'seconds for a whole answer; 0: the setting',
	concurrency	INT NOT NULL COMMENT 'calls at the same time; 0: no limit',
	created_ms	BIGINT NOT NULL COMMENT 'when it was registered',
	PRIMARY KEY (id),
	UNIQUE KEY model_code (code)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='upstream models and where they are asked';

CREATE TABLE IF NOT EXISTS model_fallback (
	model		BIGINT NOT NULL COMMENT 'the one that failed',
	position	INT NOT NULL COMMENT 'order of preference, from 0',
	fallback	BIGINT NOT NULL COMMENT 'asked in its place',
	PRIMARY KEY (model, position),
	UNIQUE KEY model_fallback_once (model, fallback),
	CONSTRAINT model_fallback_model FOREIGN KEY (model) REFERENCES model (id) ON DELETE CASCADE,
	CONSTRAINT model_fallback_fallback FOREIGN KEY (fallback) REFERENCES model (id)
	    ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='which models stand in for which';

CREATE TABLE IF NOT EXISTS task (
	id		BIGINT NOT NULL COMMENT 'rises with time',
	owner		BIGINT NOT NULL COMMENT 'whose task it is',
	default_of	BIGINT NULL
			COMMENT 'the owner where this is the default task, else NULL',
	title		TEXT NOT NULL COMMENT 'name of the folder',
	description	MEDIUMTEXT NOT NULL COMMENT 'what it is about',
	support_unit	MEDIUMTEXT NOT NULL COMMENT 'who supports it',
	bus_dir		MEDIUMTEXT NOT NULL COMMENT 'business direction',
	work_goal	MEDIUMTEXT NOT NULL COMMENT 'what it is for',
	created_ms	BIGINT NOT NULL COMMENT 'when it was added',
	PRIMARY KEY (id),
	UNIQUE KEY task_default (default_of),
	KEY task_owner (owner),
	CONSTRAINT task_owner FOREIGN KEY (owner) REFERENCES user (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='folders for arena sessions';

CREATE TABLE IF NOT EXISTS session (
	id		BIGINT NOT NULL COMMENT 'rises with time',
	tenant		BIGINT NOT NULL COMMENT 'of the owner',
	owner		BIGINT NOT NULL COMMENT 'whose conversation it is',
	task		BIGINT NULL COMMENT 'folder it lies in; NULL: none',
	title		TEXT NOT NULL COMMENT 'for display',
	created_ms	BIGINT NOT NULL COMMENT 'when it began',
	revealed_ms	BIGINT NULL COMMENT 'when the first vote took the masks off',
	answered_ms	BIGINT NULL
			COMMENT 'when its first answer ended; before that it is not listed',
	deleted_ms	BIGINT NULL
			COMMENT 'when the owner deleted it; it is then gone for every request',
	PRIMARY KEY (id),
	KEY session_owner (owner),
	KEY session_task (task),
	CONSTRAINT session_tenant FOREIGN KEY (tenant) REFERENCES tenant (id),
	CONSTRAINT session_owner FOREIGN KEY (owner) REFERENCES user (id),
	CONSTRAINT session_task FOREIGN KEY (task) REFERENCES task (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin COMMENT='conversations';

CREATE TABLE IF NOT EXISTS lane (
	session		BIGINT NOT NULL COMMENT 'the conversation',
	lane		INT NOT NULL COMMENT 'number in it, from 0',
	model		BIGINT NOT NULL COMMENT 'who answers in it',
	mask		VARCHAR(32) NULL
			COMMENT 'ALPHA, BRAVO, ...: who it is until the reveal; NULL: no mask',
	pri_id		VARCHAR(32) NOT NULL
			COMMENT 'what clients call it: hex digits that cannot be guessed',
	PRIMARY KEY (session, lane),
	UNIQUE KEY lane_pri_id (pri_id),
	CONSTRAINT lane_session FOREIGN KEY (session) REFERENCES session (id),
	CONSTRAINT lane_model FOREIGN KEY (model) REFERENCES model (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='one model\'s part in a conversation';

CREATE TABLE IF NOT EXISTS turn (
	id		BIGINT NOT NULL COMMENT 'rises with time; names the stream too',
	tenant		BIGINT NOT NULL COMMENT 'of the owner',
	owner		BIGINT NULL COMMENT 'who asked; NULL: a caller without identity',
	session		BIGINT NULL COMMENT 'the conversation; NULL: nothing but figures is kept',
	group_id	BIGINT NOT NULL
			COMMENT 'turns of one question share it: id of the first of them',
	worker		BIGINT NOT NULL COMMENT 'the spool that runs it',
	private		TINYINT(1) NOT NULL COMMENT '1: only its lane knows of it',
	voice		VARCHAR(32) NOT NULL COMMENT 'dialect in which it began',
	question	MEDIUMTEXT NULL COMMENT 'NULL: not stored',
	context		MEDIUMTEXT NULL
			COMMENT 'JSON array of earlier messages that the client gave; NULL: none',
	created_ms	BIGINT NOT NULL COMMENT 'when it was asked',
	ended_ms	BIGINT NULL COMMENT 'when its last answer was stored',
	PRIMARY KEY (id),
	KEY turn_session (session, private, group_id),
	KEY turn_worker (worker, ended_ms),
	CONSTRAINT turn_tenant FOREIGN KEY (tenant) REFERENCES tenant (id),
	CONSTRAINT turn_owner FOREIGN KEY (owner) REFERENCES user (id),
	CONSTRAINT turn_session FOREIGN KEY (session) REFERENCES session (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin COMMENT='questions';

-- No foreign key on answer.session, which is the turn's: its index would be answer_lane, so that
-- the end of every answer would wait for whoever has locked the session.
CREATE TABLE IF NOT EXISTS answer (
	id		BIGINT NOT NULL COMMENT 'rises with time',
	turn		BIGINT NOT NULL COMMENT 'the question',
	session		BIGINT NULL COMMENT 'of the turn',
	lane		INT NOT NULL COMMENT 'number of the lane in the session',
	model		BIGINT NOT NULL COMMENT 'who was asked',
	status		ENUM('running', 'stop', 'length', 'content_filter', 'timeout', 'error',
			'stopped') NOT NULL
			COMMENT 'running, then how it ended',
	running		TINYINT(1) AS (IF(status = 'running', 1, NULL)) PERSISTENT
			COMMENT '1 or NULL: with answer_lane, a lane gives one answer at a time',
	text		MEDIUMTEXT NULL COMMENT 'what was said; NULL: nothing yet, or not stored',
	reasoning	MEDIUMTEXT NULL COMMENT 'what was thought before; NULL: nothing',
	error		VARCHAR(32) NULL
			COMMENT 'why it ended as error or timeout: a kind of failure, F_UPSTREAM',
	prompt_tokens	BIGINT NOT NULL DEFAULT 0 COMMENT 'read by the model',
	completion_tokens BIGINT NOT NULL DEFAULT 0 COMMENT 'written by the model',
	estimated	TINYINT(1) NOT NULL DEFAULT 0
			COMMENT '1: the upstream did not count, the tokens are an estimate',
	cost		DECIMAL(24,10) NOT NULL DEFAULT 0
			COMMENT 'tokens x price, with what was added on the way',
	created_ms	BIGINT NOT NULL COMMENT 'when it was asked',
	first_ms	BIGINT NULL COMMENT 'first token',
	last_ms		BIGINT NULL COMMENT 'last token',
	ended_ms	BIGINT NULL COMMENT 'end of the answer',
	PRIMARY KEY (id),
	KEY answer_turn (turn),
	UNIQUE KEY answer_lane (session, lane, running),
	KEY answer_model (model),
	CONSTRAINT answer_turn FOREIGN KEY (turn) REFERENCES turn (id),
	CONSTRAINT answer_model FOREIGN KEY (model) REFERENCES model (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='what the models said: one row for every upstream answer, stored or not';

CREATE TABLE IF NOT EXISTS citation (
	answer		BIGINT NOT NULL COMMENT 'that rests on it',
	position	INT NOT NULL COMMENT 'order, from 0',
	body		MEDIUMTEXT NOT NULL COMMENT 'one JSON object, as clients get it',
	PRIMARY KEY (answer, position),
	CONSTRAINT citation_answer FOREIGN KEY (answer) REFERENCES answer (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin COMMENT='sources of answers';

CREATE TABLE IF NOT EXISTS ledger (
	id		BIGINT NOT NULL COMMENT 'rises with time',
	api_key		BIGINT NULL COMMENT 'the key that pays; NULL: there was none',
	answer		BIGINT NULL COMMENT 'what was paid for',
	kind		VARCHAR(16) NOT NULL COMMENT 'answer: an answer was settled',
	amount		DECIMAL(24,10) NOT NULL
			COMMENT 'in the unit of the prices; in sum the cost of the answers',
	created_ms	BIGINT NOT NULL COMMENT 'when it was booked',
	PRIMARY KEY (id),
	UNIQUE KEY ledger_answer (answer, kind),
	KEY ledger_api_key (api_key, created_ms),
	CONSTRAINT ledger_answer FOREIGN KEY (answer) REFERENCES answer (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='money: rows are added, never changed';

CREATE TABLE IF NOT EXISTS vote (
	user		BIGINT NOT NULL COMMENT 'who likes',
	answer		BIGINT NOT NULL COMMENT 'what is liked',
	session		BIGINT NOT NULL COMMENT 'of the answer',
	group_id	BIGINT NOT NULL
			COMMENT 'of the answer\'s turn: lanes are compared within it',
	lane		INT NOT NULL COMMENT 'of the answer',
	created_ms	BIGINT NOT NULL COMMENT 'when it was cast',
	PRIMARY KEY (user, answer),
	KEY vote_answer (answer),
	KEY vote_session (session, group_id),
	CONSTRAINT vote_user FOREIGN KEY (user) REFERENCES user (id),
	CONSTRAINT vote_answer FOREIGN KEY (answer) REFERENCES answer (id),
	CONSTRAINT vote_session FOREIGN KEY (session) REFERENCES session (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='likes; taken back: the row is gone';

CREATE TABLE IF NOT EXISTS rating (
	user		BIGINT NOT NULL COMMENT 'who rates',
	session		BIGINT NOT NULL COMMENT 'the conversation',
	lane		INT NOT NULL COMMENT 'whose work in it',
	scores		TEXT NOT NULL COMMENT 'JSON object: name to 0..10',
	remark		MEDIUMTEXT NULL COMMENT 'in words; NULL: none',
	created_ms	BIGINT NOT NULL COMMENT 'when last rated',
	PRIMARY KEY (user, session, lane),
	KEY rating_lane (session, lane),
	CONSTRAINT rating_user FOREIGN KEY (user) REFERENCES user (id),
	CONSTRAINT rating_lane FOREIGN KEY (session, lane) REFERENCES lane (session, lane)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='ratings of lanes: the last of each user counts';
