-- Han characters are found one by one, too: what was read before is read once more. Its jobs are of
-- a kind of their own, which a service that does not know these tokens leaves alone, and come due
-- one after the other, so that what is added meanwhile need not wait for all of them.

INSERT INTO job (id, kind, ref, until_ms, created_ms)
	SELECT d.id, 'index', d.id,
	    ROUND(UNIX_TIMESTAMP(NOW(3)) * 1000) + 200 * ROW_NUMBER() OVER (ORDER BY d.id DESC),
	    ROUND(UNIX_TIMESTAMP(NOW(3)) * 1000)
	FROM document d WHERE d.status = 'ready' AND d.type <> 'image'
	ON DUPLICATE KEY UPDATE kind = job.kind;
