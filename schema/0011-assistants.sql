-- Assistants, tools, intents and generation apps: what administrators prepare for others to ask;
-- and what their conversations keep of their own.

CREATE TABLE IF NOT EXISTS assistant (
	id		BIGINT NOT NULL COMMENT 'rises with time',
	tenant		BIGINT NOT NULL COMMENT 'whose assistant it is',
	name		VARCHAR(190) NOT NULL COMMENT 'for display',
	published	BIGINT NULL
			COMMENT 'the version that its release key asks; NULL: it is not published',
	public		TINYINT(1) NOT NULL DEFAULT 0
			COMMENT '1: while published it answers callers without identity',
	release_hash	CHAR(64) NOT NULL COMMENT 'SHA-256 of its release key, in hex',
	created_ms	BIGINT NOT NULL COMMENT 'when it was added',
	PRIMARY KEY (id),
	UNIQUE KEY assistant_release (release_hash),
	KEY assistant_tenant (tenant),
	CONSTRAINT assistant_tenant FOREIGN KEY (tenant) REFERENCES tenant (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='models with a task: the rows of assistant_version say which';

CREATE TABLE IF NOT EXISTS assistant_version (
	id		BIGINT NOT NULL COMMENT 'rises with time',
	assistant	BIGINT NOT NULL COMMENT 'whose version it is',
	number		INT NOT NULL COMMENT 'from 1',
	model		BIGINT NOT NULL COMMENT 'who answers',
	system		MEDIUMTEXT NOT NULL COMMENT 'system prompt; empty: none',
	opening		TEXT NOT NULL COMMENT 'what it says first; empty: nothing',
	context		TINYINT(1) NOT NULL COMMENT '1: it hears what was said before',
	suggest		TINYINT(1) NOT NULL
			COMMENT '1: after an answer it is asked for questions that may come next',
	resume		TINYINT(1) NOT NULL
			COMMENT '1: an answer that breaks off is asked to go on',
	created_ms	BIGINT NOT NULL COMMENT 'when it was made; it never changes',
	PRIMARY KEY (id),
	UNIQUE KEY assistant_version_number (assistant, number),
	CONSTRAINT assistant_version_assistant FOREIGN KEY (assistant) REFERENCES assistant (id),
	CONSTRAINT assistant_version_model FOREIGN KEY (model) REFERENCES model (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='what an assistant is told, at one time';

CREATE TABLE IF NOT EXISTS tool (
	id		BIGINT NOT NULL COMMENT 'rises with time',
	name		VARCHAR(64) NOT NULL COMMENT 'what models call it: letters, digits, _ and -',
	description	TEXT NOT NULL COMMENT 'what it does, for models',
	parameters	MEDIUMTEXT NOT NULL COMMENT 'JSON Schema of its arguments',
	method		VARCHAR(8) NOT NULL COMMENT 'GET, POST, PUT, PATCH or DELETE',
	url		VARCHAR(2048) NOT NULL COMMENT 'address; {name} in it is an argument',
	headers		TEXT NOT NULL COMMENT 'JSON object: names and values',
	secret_env	VARCHAR(255) NULL
			COMMENT 'environment variable with its bearer token; NULL: none',
	timeout_s	INT NOT NULL COMMENT 'seconds for a call',
	created_ms	BIGINT NOT NULL COMMENT 'when it was registered',
	PRIMARY KEY (id),
	UNIQUE KEY tool_name (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='HTTP calls that models may choose';

CREATE TABLE IF NOT EXISTS intent (
	id		BIGINT NOT NULL COMMENT 'rises with time',
	name		VARCHAR(190) NOT NULL COMMENT 'what somebody wants',
	examples	MEDIUMTEXT NOT NULL COMMENT 'JSON array of sentences that want it',
	reply		MEDIUMTEXT NULL COMMENT 'the answer to them; NULL: the model answers, with:',
	system		MEDIUMTEXT NULL COMMENT 'a system prompt for it; NULL: there is a reply',
	created_ms	BIGINT NOT NULL COMMENT 'when it was registered',
	PRIMARY KEY (id),
	UNIQUE KEY intent_name (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='what questions are tested for before a model is asked';

CREATE TABLE IF NOT EXISTS assistant_dataset (
	version		BIGINT NOT NULL COMMENT 'of an assistant',
	dataset		BIGINT NOT NULL COMMENT 'its answers rest on',
	PRIMARY KEY (version, dataset),
	KEY assistant_dataset_dataset (dataset),
	CONSTRAINT assistant_dataset_version FOREIGN KEY (version)
	    REFERENCES assistant_version (id),
	CONSTRAINT assistant_dataset_dataset FOREIGN KEY (dataset) REFERENCES dataset (id)
	    ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='knowledge of assistants';

CREATE TABLE IF NOT EXISTS assistant_tool (
	version		BIGINT NOT NULL COMMENT 'of an assistant',
	tool		BIGINT NOT NULL COMMENT 'that it may use',
	PRIMARY KEY (version, tool),
	KEY assistant_tool_tool (tool),
	CONSTRAINT assistant_tool_version FOREIGN KEY (version) REFERENCES assistant_version (id),
	CONSTRAINT assistant_tool_tool FOREIGN KEY (tool) REFERENCES tool (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='what assistants can do';

CREATE TABLE IF NOT EXISTS app (
	id		BIGINT NOT NULL COMMENT 'rises with time',
	tenant		BIGINT NOT NULL COMMENT 'whose app it is',
	name		VARCHAR(190) NOT NULL COMMENT 'for display',
	description	TEXT NOT NULL COMMENT 'what it is for',
	kind		ENUM('text', 'image') NOT NULL COMMENT 'what it makes',
	model		BIGINT NOT NULL COMMENT 'who makes it where none is named',
	template	MEDIUMTEXT NOT NULL COMMENT 'the question; {{name}} in it is an input',
	created_ms	BIGINT NOT NULL COMMENT 'when it was added',
	PRIMARY KEY (id),
	KEY app_tenant (tenant),
	CONSTRAINT app_tenant FOREIGN KEY (tenant) REFERENCES tenant (id),
	CONSTRAINT app_model FOREIGN KEY (model) REFERENCES model (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='questions with blanks, for generating texts and images';

ALTER TABLE session
	ADD COLUMN IF NOT EXISTS assistant BIGINT NULL
		COMMENT 'who answers in it; NULL: whatever model is named',
	ADD COLUMN IF NOT EXISTS version BIGINT NULL
		COMMENT 'of that assistant, asked last; NULL: none',
	ADD COLUMN IF NOT EXISTS app BIGINT NULL
		COMMENT 'the app whose runs it holds; NULL: none',
	ADD COLUMN IF NOT EXISTS msg_key VARCHAR(64) NULL
		COMMENT 'what website assistants call it: api_ and a UUID; NULL: nothing',
	ADD COLUMN IF NOT EXISTS visitor VARCHAR(255) NULL
		COMMENT 'of a website, who talks in it; NULL: not said';
ALTER TABLE session
	ADD UNIQUE INDEX IF NOT EXISTS session_msg_key (msg_key),
	ADD INDEX IF NOT EXISTS session_visitor (owner, assistant, visitor);

ALTER TABLE turn
	ADD COLUMN IF NOT EXISTS parent BIGINT NULL
		COMMENT 'the message that it goes on from: id of a turn or of an answer; NULL: the rest';

ALTER TABLE answer
	ADD COLUMN IF NOT EXISTS questions TEXT NULL
		COMMENT 'JSON array of what may be asked next; NULL: nothing was suggested',
	ADD COLUMN IF NOT EXISTS seams TEXT NULL
		COMMENT 'JSON array: where it broke off and went on, in bytes of text; NULL: nowhere';

CREATE TABLE IF NOT EXISTS tool_run (
	answer		BIGINT NOT NULL COMMENT 'during which it ran',
	position	INT NOT NULL COMMENT 'order, from 0',
	body		MEDIUMTEXT NOT NULL
			COMMENT 'JSON: round, id, name, arguments, status, result, ms',
	PRIMARY KEY (answer, position),
	CONSTRAINT tool_run_answer FOREIGN KEY (answer) REFERENCES answer (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='what models had done for their answers';

CREATE TABLE IF NOT EXISTS contact (
	id		BIGINT NOT NULL COMMENT 'rises with time',
	owner		BIGINT NOT NULL COMMENT 'the user whose keys know it',
	userid		VARCHAR(255) NOT NULL COMMENT 'what the website calls the visitor',
	name		VARCHAR(255) NOT NULL DEFAULT '' COMMENT 'of the visitor; empty: not known',
	mobile		VARCHAR(64) NOT NULL DEFAULT '' COMMENT 'number; empty: not known',
	email		VARCHAR(255) NOT NULL DEFAULT '' COMMENT 'address; empty: not known',
	avatar		VARCHAR(2048) NOT NULL DEFAULT '' COMMENT 'of a picture; empty: not known',
	company		VARCHAR(255) NOT NULL DEFAULT '' COMMENT 'where they work; empty: not known',
	created_ms	BIGINT NOT NULL COMMENT 'when first seen',
	updated_ms	BIGINT NOT NULL COMMENT 'when last changed',
	PRIMARY KEY (id),
	UNIQUE KEY contact_userid (owner, userid),
	CONSTRAINT contact_owner FOREIGN KEY (owner) REFERENCES user (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='visitors of websites';
