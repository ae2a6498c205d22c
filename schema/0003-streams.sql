-- Streams under control: turns that were asked to stop, and requests that may be sent again.

ALTER TABLE turn ADD COLUMN IF NOT EXISTS stop_ms BIGINT NULL
	COMMENT 'when it was asked to stop; NULL: it was not';

CREATE TABLE IF NOT EXISTS idempotency (
	owner		BIGINT NOT NULL COMMENT 'who sent the request',
	key_hash	CHAR(64) NOT NULL COMMENT 'SHA-256 of its Idempotency-Key, in hex',
	body_hash	CHAR(64) NOT NULL
			COMMENT 'SHA-256 of its method, path and body, in hex',
	turn		BIGINT NOT NULL COMMENT 'what it began',
	created_ms	BIGINT NOT NULL COMMENT 'when; after a day the key is free again',
	PRIMARY KEY (owner, key_hash),
	KEY idempotency_created (created_ms),
	CONSTRAINT idempotency_owner FOREIGN KEY (owner) REFERENCES user (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='requests that began a turn and say how to know them again';
