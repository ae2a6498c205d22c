-- API keys: who holds them, what they may spend, and what is put aside for calls that run.

CREATE TABLE IF NOT EXISTS api_key (
	id		BIGINT NOT NULL COMMENT 'rises with time',
	tenant		BIGINT NOT NULL COMMENT 'of the user',
	user		BIGINT NOT NULL COMMENT 'who calls with it, and owns what it makes',
	name		VARCHAR(190) NOT NULL COMMENT 'what it is for',
	hash		CHAR(64) NOT NULL COMMENT 'SHA-256 of the key, in hex; the key is not kept',
	shown		VARCHAR(16) NOT NULL COMMENT 'how it begins, to tell it from others',
	allowance	DECIMAL(24,10) NULL
			COMMENT 'money that it may spend in all, in the unit of the prices; NULL: no limit',
	spent		DECIMAL(24,10) NOT NULL DEFAULT 0 COMMENT 'sum of its rows in ledger',
	reserved	DECIMAL(24,10) NOT NULL DEFAULT 0 COMMENT 'sum of its rows in reservation',
	calls		BIGINT NULL COMMENT 'turns that it may begin in all; NULL: no limit',
	called		BIGINT NOT NULL DEFAULT 0 COMMENT 'turns that it has begun',
	rate		INT NOT NULL DEFAULT 0 COMMENT 'requests per second; 0: no limit',
	assistant	BIGINT NULL COMMENT 'whom it asks where none is named; NULL: nobody',
	created_ms	BIGINT NOT NULL COMMENT 'when it was made',
	revoked_ms	BIGINT NULL COMMENT 'since when it counts no more; NULL: it counts',
	PRIMARY KEY (id),
	UNIQUE KEY api_key_hash (hash),
	KEY api_key_user (user),
	CONSTRAINT api_key_tenant FOREIGN KEY (tenant) REFERENCES tenant (id),
	CONSTRAINT api_key_user FOREIGN KEY (user) REFERENCES user (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='secrets of programs that call in the name of a user';

-- No foreign keys: every call adds and removes a row, and would lock its key's row for it twice.
CREATE TABLE IF NOT EXISTS reservation (
	answer		BIGINT NOT NULL COMMENT 'that runs; its end removes the row',
	api_key		BIGINT NOT NULL COMMENT 'the key that pays',
	amount		DECIMAL(24,10) NOT NULL COMMENT 'what it may cost, as estimated before',
	created_ms	BIGINT NOT NULL COMMENT 'when it was put aside',
	PRIMARY KEY (answer),
	KEY reservation_api_key (api_key)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='money put aside for answers that run';

ALTER TABLE turn
	ADD COLUMN IF NOT EXISTS api_key BIGINT NULL
		COMMENT 'the key it was asked with, which pays; NULL: none';
ALTER TABLE turn ADD INDEX IF NOT EXISTS turn_api_key (api_key, ended_ms);
