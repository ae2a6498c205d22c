-- Several hosts on one database: who they are, and what their running turns have said so far, so
-- that the others can tell it too, and end it should a host be lost.
--
-- Times of these two tables are by the clock of the database, since hosts compare them.

CREATE TABLE IF NOT EXISTS node (
	node		INT NOT NULL COMMENT 'number of the host, as in the ids that it gives',
	state		BIGINT NOT NULL COMMENT 'random id of its state directory',
	name		VARCHAR(255) NOT NULL COMMENT 'of the host, for people',
	until_ms	BIGINT NOT NULL COMMENT 'end of its lease: nobody else has the number before',
	since		BIGINT NOT NULL
			COMMENT 'smaller worker ids of this node are of another state directory; 0: none',
	heir		BIGINT NOT NULL DEFAULT 0
			COMMENT 'state directory of who closes what the node left; 0: nobody yet',
	heir_until_ms	BIGINT NOT NULL DEFAULT 0 COMMENT 'end of that lease',
	PRIMARY KEY (node)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin COMMENT='hosts';

-- No foreign key: its locks on the turn would stand in the way of the turn's end.
CREATE TABLE IF NOT EXISTS checkpoint (
	turn		BIGINT NOT NULL COMMENT 'that runs, or ended a while ago',
	n		INT NOT NULL COMMENT 'order, from 0',
	body		MEDIUMBLOB NOT NULL COMMENT 'records of its spool, one after the other',
	upto		BIGINT NOT NULL
			COMMENT 'records of the turn so far, these too; 9223372036854775807: all',
	created_ms	BIGINT NOT NULL COMMENT 'when they were written',
	PRIMARY KEY (turn, n),
	KEY checkpoint_age (n, created_ms)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin
	COMMENT='with cluster = on: what running turns have said, second by second';

-- Turns that run, of whichever worker; a worker's own are found by it as well.
ALTER TABLE turn
	ADD KEY IF NOT EXISTS turn_running (ended_ms, worker),
	DROP KEY IF EXISTS turn_worker;
