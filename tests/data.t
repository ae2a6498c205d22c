#!/usr/bin/perl
# Users' data: a user is erased without a trace but what they cost, old conversations are purged,
# and conversations go from one installation into another.

use v5.36;
use utf8;

use Mojo::File qw(path);
use Mojo::JSON qw(decode_json encode_json true);
use Mojo::Util qw(decode encode);
use ParleyTest;
use ParleyTest::Arena;
use ParleyTest::Chat;
use ParleyTest::Process;
use Test::More;

my $DIED = qr/a worker died/;
my $CHAT = '/v1/chat/session/conversation';
my $p = ParleyTest->new(models => 2, workers => 2, set => { cluster => 'on' });
my @models = map { $_->{code} } $p->models;
my ($model) = map { $_->{id} + 0 } @{ $p->sql('SELECT id FROM model ORDER BY code') };
my $dir = path($p->dir);
my $state = path(map { $_->{value} } grep { $_->{name} eq 'state_dir' }
    @{ works_json('show', 'config') });

# What becomes of a user's rows when the user is erased. A table that is not here fails the test:
# say what becomes of its rows, and see that store/erase.c does it.
my %FATE = (
	(map { $_ => 'gone' } qw(api_key assistant_dataset checkpoint citation contact dataset
	    dataset_document document document_part idempotency job lane rating reservation segment
	    segment_posting session session_document task tool_run user vote)),
	(map { $_ => 'figures' } qw(answer ledger turn)),     # rows stay, without words or names
	(map { $_ => 'not theirs' } qw(app assistant assistant_tool assistant_version call_posting
	    call_record call_stats intent model model_fallback node schema_lock schema_migration
	    tenant tool)),
);

# And of the columns of text that stay: those that hold no words of anybody. All others must have
# had some of the user's before, and none after.
my %PLAIN = map { $_ => 1 } qw(answer.error answer.seams answer.status ledger.kind turn.content_type
    turn.voice);

# ---- helpers ---------------------------------------------------------------------------------

sub parley (@args) {
	my ($exit, @words) = $p->parley(@args);
	utf8::decode($_) for @words;
	return ($exit, @words);
}

sub works (@args) {
	my ($exit, $out, $err) = parley(@args);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok $exit == 0 && $err eq '', join ' ', map { ref ? () : $_ } @args
	    or diag "exit $exit\n$out$err";
	return $out;
}

sub works_json (@args) {
	my $out = works(@args, '--json');
	utf8::encode($out);
	return decode_json($out);
}

sub fails ($code, $like, @args) {
	my ($exit, $out, $err) = parley(@args);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok $exit == $code && $err =~ $like, "$code: " . join ' ', map { ref ? () : $_ } @args
	    or diag "exit $exit\n$out$err";
	return $out;
}

sub count ($table, $where = '1 = 1', @bind) {
	return $p->sql("SELECT COUNT(*) AS n FROM $table WHERE $where", @bind)->[0]{n};
}

sub tables () {
	return map { $_->{name} } @{ $p->sql('SELECT TABLE_NAME AS name FROM'
	    . ' information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1') };
}

# Of each of these tables: how many rows, and a sum over all that is in them.
sub contents (@tables) {
	my $sum = sub ($t) { $p->sql("CHECKSUM TABLE $t EXTENDED")->[0]{Checksum} };
	return { map { $_ => count($_) . ' ' . $sum->($_) } @tables };
}

# All columns that are no numbers.
sub columns () {
	return @{ $p->sql('SELECT TABLE_NAME AS t, COLUMN_NAME AS c FROM information_schema.COLUMNS'
	    . " WHERE TABLE_SCHEMA = DATABASE() AND DATA_TYPE NOT IN ('tinyint', 'smallint', 'int',"
	    . " 'bigint', 'decimal')") };
}

# The columns in which a word stands: "table.column".
sub traces ($word) {
	my @columns = columns();
	my $all = join ' UNION ALL ', map {
		"SELECT '$_->{t}.$_->{c}' AS name, COUNT(*) AS n FROM `$_->{t}`"
		    . " WHERE INSTR(LOWER(CONVERT(`$_->{c}` USING utf8mb4)), '$word') > 0"
	} @columns;
	return map { $_->{n} > 0 ? $_->{name} : () } @{ $p->sql($all) };
}

# The files of the state directory in which it stands.
sub files_with ($word) {
	return map { $_->basename } grep { -f && $_->slurp =~ /$word/i } $state->list_tree->each;
}

sub sums () {
	return $p->sql('SELECT SUM(cost) AS cost, SUM(prompt_tokens) AS prompt,'
	    . ' SUM(completion_tokens) AS completion, COUNT(*) AS answers,'
	    . ' (SELECT SUM(amount) FROM ledger) AS ledger,'
	    . ' (SELECT COUNT(*) FROM ledger) AS booked FROM answer')->[0];
}

sub file ($name, $text) {
	utf8::encode($text);
	ParleyTest::Process::spew("$dir/$name", $text);
	return "$dir/$name";
}

# Both models say the word from now on.
sub say_it ($word) {
	$p->upstream->unscript;
	$p->script($_, { times => 0, steps => [{ reasoning => "$word is thought. " },
	    { delta => "$word is " }, { delta => 'answered' }, { finish => 'stop' },
	    { usage => { prompt_tokens => 100, completion_tokens => 50 } }, { done => 1 }] })
	    for @models;
	return;
}

# The first model says the next time the word and one more, and then nothing.
sub hang ($word) {
	$p->upstream->unscript;
	$p->script($models[0],
	    { steps => [{ delta => "$word " }, { delta => 'far' }, { hang => 1 }] });
	return;
}

# Everything a user can have, every text of it with the word. Returns what is needed to go on.
sub live ($user, $word) {
	my @as = login($p, $user, name => "Mr $word", avatar => "https://x.example/$word.png");
	say_it($word);
	begin($p, "$word asked by default", user => $user);
	$p->post('/task/add', user => $user, json => { title => "$word task",
	    description => $word, supportUnit => $word, busDir => $word, workGoal => $word });
	my ($session, $pri) = begin($p, "$word asked", user => $user,
	    task => $p->get('/task/list', user => $user)->json->{data}[0]{id});
	$p->get('/conv/like', query => { priId => $pri->{ALPHA} }, user => $user);
	done_true $p->post('/conv/rating', user => $user, json => { priId => $pri->{ALPHA},
	    scores => { $word => 7 }, remark => "$word remarked" }), "$user rates";
	$p->stream(POST => '/conv/chat/pri', user => $user,
	    json => body($p, "$word in private", user => $user, pri => $pri->{BRAVO}));
	$p->stream(POST => '/conv/chat', user => $user, headers => { 'Idempotency-Key' => $word },
	    json => body($p, "$word once", user => $user));

	works('import', 'documents', file("$word.txt", "The $word document tells of $word.\n"),
	    '--user', $user, '--dataset', "$word set", '--wait');
	my ($owner) = map { $_->{id} } @{ $p->sql('SELECT id FROM user WHERE subject = ?', $user) };
	my ($set) = map { $_->{id} } @{ $p->sql('SELECT id FROM dataset WHERE owner = ?', $owner) };
	my ($doc) = map { $_->{id} }
	    @{ $p->sql('SELECT id FROM document WHERE owner = ?', $owner) };
	my $chat = new_chat($p, \@as, title => "$word chat", abstract => $word, module => 2,
	    type => 'spark_documents_chat', datasetId => $set + 0, documentIds => [$doc + 0])->{id};
	my $r = $p->post($CHAT, @as, json => { sessionId => $chat, modelId => $model,
	    contentType => 'text', text => "What of $word?" });
	is $r->code, 200, "$user asks of documents" or diag $r->body;

	my $key = $p->key(user => $user, name => "$word key");
	for my $store (0, 1) {
		$r = $p->post('/v1/chat/completions', user => undef,
		    headers => { Authorization => "Bearer $key" },
		    json => { model => $models[0], $store ? (store => true) : (),
			messages => [{ role => 'user', content => "$word by key" }] });
		is $r->code, 200, "$user calls with a key" or diag $r->body;
	}
	works('assistant', 'add', "of $user", '--model', $models[0], '--dataset', $set);

	# What has no short way through the API.
	my ($answer) = map { $_->{id} } @{ $p->sql('SELECT a.id FROM answer a JOIN turn t'
	    . ' ON t.id = a.turn WHERE t.owner = ? AND a.session = ? ORDER BY a.id LIMIT 1',
	    $owner, $chat) };
	$p->sql('INSERT INTO tool_run (answer, position, body) VALUES (?, 0, ?)', $answer,
	    encode_json({ name => 'weather', arguments => $word, result => $word }));
	$p->sql('UPDATE turn t JOIN answer a ON a.turn = t.id SET t.context = ?, t.file_url = ?,'
	    . ' t.unread = ? WHERE a.id = ?', encode_json([{ role => 'user', content => $word }]),
	    "https://x.example/$word", encode_json([{ fileName => $word }]), $answer);
	$p->sql('UPDATE answer SET questions = ? WHERE id = ?', encode_json(["More of $word?"]),
	    $answer);
	$p->sql('INSERT INTO contact (id, owner, userid, name, mobile, email, avatar, company,'
	    . ' created_ms, updated_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, 1)', $answer + 3, $owner,
	    map { "$word $_" } 1 .. 6);
	$p->sql('INSERT INTO job (id, kind, ref, until_ms, created_ms) VALUES (?, ?, ?, ?, 0)',
	    $answer + 4, 'read', $doc, 9000000000000);
	return (owner => $owner, chat => $chat, key => $key, as => \@as,
	    session => $session =~ s/\D//gr);
}

sub exported (@args) { return [map { decode_json($_) } split /\n/,
    encode('UTF-8', works('export', 'sessions', @args))] }

# ---- a user is erased ------------------------------------------------------------------------

my %carl = live('carl', 'plugh');
my (@gone) = grep { $FATE{$_} eq 'gone' && !/^(?:checkpoint|reservation|user)$/ } sort keys %FATE;
my $saved;
subtest 'a user is erased' => sub {
	is_deeply [grep { !$FATE{$_} } tables()], [], 'every table has its place in this test';
	is_deeply [grep { my $t = $_; !grep { $_ eq $t } tables() } sort keys %FATE], [],
	    'and every place its table';
	my $before = contents(@gone);
	my %there = map { $_ => count($_) } keys %FATE;
	my %eve = live('eve', 'xyzzy');
	$saved = works('export', 'sessions', '--user', 'eve');

	# In the midst of it she asks on.
	my ($sums, $out, $bare);
	hang('xyzzy');
	my $s = $p->stream(POST => $CHAT, user => undef,
	    headers => { 'x-api-key' => $eve{key}, Accept => 'text/event-stream' },
	    json => { sessionId => $eve{chat}, modelId => $model, contentType => 'text',
		text => 'xyzzy runs' },
	    on_event => sub ($e, $) {
		return if $out || encode_json($e->{data}) !~ /far/;
		$p->eventually('it is shared with other hosts', sub {
			count('checkpoint', "INSTR(body, 'xyzzy') > 0") });
		for my $table (sort grep { $FATE{$_} ne 'not theirs' } keys %FATE) {
			cmp_ok count($table), '>', $there{$table}, "she has rows in $table";
		}
		my %in = map { $_ => 1 } traces('xyzzy');
		ok $in{$_}, "words of hers are in $_"
		    for grep { !$PLAIN{$_} } map { "$_->{t}.$_->{c}" }
		    grep { $FATE{ $_->{t} } eq 'figures' } columns();
		ok $in{$_}, "and in $_" for qw(session.title session.abstract citation.body
		    tool_run.body document.file_name document_part.body segment.text task.title
		    rating.remark rating.scores contact.email api_key.name user.name
		    dataset.name checkpoint.body);
		ok scalar(files_with('xyzzy')), 'and in the spool';
		$bare = works('show', 'usage', '--json');
		$out = works('user', 'erase', 'eve', '--json');
	    });
	ok $out, 'erased while she was told an answer';
	my $counts = decode_json($out);
	is_deeply [map { $counts->{$_} } qw(votes ratings datasets documents contacts keys)],
	    [(1) x 6], 'what went is counted';
	is $counts->{tasks}, 2, 'her tasks';
	is $counts->{sessions}, scalar(split /\n/, $saved), 'her sessions';
	cmp_ok $counts->{questions}, '>=', 7, 'her questions';

	is_deeply [traces('xyzzy')], [], 'no column of any table has a word of hers';
	is_deeply [files_with('xyzzy')], [], 'nor any file of state_dir';
	is_deeply contents(@gone), $before, 'the others have all they had';
	is count($_), $there{$_}, "as many in $_ as before" for qw(user reservation);
	is count('turn', 'owner = ?', $eve{owner}), 0, 'no question is hers';
	is count('checkpoint c JOIN turn t ON t.id = c.turn', 't.owner IS NULL'), 0,
	    'nothing of it is shared';
	cmp_ok count('turn'), '>', $there{turn}, 'that something was asked stays';
	my $after = sums();
	is $after->{cost}, $after->{ledger}, 'the books balance';
	is $after->{answers}, $after->{booked}, 'for every answer';
	cmp_ok count('answer', 'session IS NULL AND cost > 0 AND completion_tokens > 0'), '>', 5,
	    'with tokens and cost';
	is_deeply [grep { !/^(?:at|eve)/ } map { $_->{model} } @{ works_json('show', 'usage') }],
	    [map { $_->{model} } @{ decode_json($bare) }], 'usage counts them';

	is $p->get('/v1/models', user => undef, headers => { 'x-api-key' => $eve{key} })->code, 401,
	    'her key is none';
	fails 66, qr/no user eve/, 'user', 'erase', 'eve';
	say_it('plugh');
	is $p->get('/task/list', user => 'eve')->code, 200, 'she may begin anew';
	like works('user', 'list'), qr/^eve +default +- +0 +0 +0 +20/m, 'as somebody new';
	works('user', 'erase', 'eve');
};

subtest 'who stays' => sub {
	my @list = map { $_->{user} => $_ } @{ works_json('user', 'list') };
	my %list = @list;
	is_deeply [@{ $list{carl} }{qw(tenant name documents keys)}],
	    ['default', 'Mr plugh', 1, 1], 'is listed';
	is $list{carl}{sessions}, scalar(@{ exported('--user', 'carl') }), 'with his sessions';
	my ($turn) = map { $_->{id} } @{ $p->sql('SELECT id FROM turn WHERE session = ?',
	    $carl{chat}) };
	kill KILL => $_ for @{ $p->pids->{workers} };
	$p->eventually('other workers are there', sub {
		my $r = $p->get("/v1/streams/$turn", @{ $carl{as} });
		$r->code == 200 && $r->body =~ /plugh is/;
	});
	is $p->get("/v1/streams/$turn", @{ $carl{as} })->header('x-stream-replay'), undef,
	    'what is told again comes from the spool';
	$p->no_errors_logged('the spool is sound', allow => [$DIED]);
};

subtest 'refused' => sub {
	fails 64, qr/USER is missing/, 'user', 'erase';
	fails 66, qr/no user nobody/, 'user', 'erase', 'nobody';
	fails 66, qr/no user carl/, 'user', 'erase', 'carl', '--tenant',
	    (works('tenant', 'add', 'acme'), 'acme')[1];
	fails 66, qr/no tenant nowhere/, 'user', $_->[0], @$_[1 .. $#$_], '--tenant', 'nowhere'
	    for ['list'], ['erase', 'carl'];
	is_deeply works_json('user', 'list', '--tenant', 'acme'), [], 'nobody is in acme';
};

# ---- out and in ------------------------------------------------------------------------------

my %fresh = (env =>
    { PARLEY_DB_NAME => 'parley_other', PARLEY_SCHEMA_DIR => path('schema')->to_abs });

subtest 'into another installation' => sub {
	my $carls = exported();
	my $lines = file('out.jsonl', works('export', 'sessions'));
	$p->sql('CREATE DATABASE parley_other');
	works(\%fresh, 'migrate');
	fails 65, qr/out\.jsonl:1: skipped: model m-\w does not exist/, \%fresh, 'import',
	    'sessions', $lines;
	works(\%fresh, 'model', 'add', $_, '--name', $_, '--upstream-name', $_, '--url',
	    'http://127.0.0.1:1/v1') for @models;
	works(\%fresh, 'import', 'documents', "$dir/plugh.txt", '--user', 'carl', '--dataset',
	    'plugh set');
	my $n = @$carls;
	like works(\%fresh, 'import', 'sessions', $lines), qr/: $n sessions imported$/, 'imported';
	like works(\%fresh, 'import', 'sessions', $lines),
	    qr/: 0 sessions imported, $n were there already$/, 'once';
	my $there = exported_from(\%fresh);
	is_deeply $there, $carls, 'they say the same there';
	my ($off) = map { $_->{n} } @{ $p->sql('SELECT (SELECT SUM(cost) FROM parley_other.answer)'
	    . ' - (SELECT SUM(amount) FROM parley_other.ledger) AS n') };
	cmp_ok $off, '==', 0, 'the books balance there';

	my @answers = map { @{ $_->{answers} } } map { @{ $_->{turns} } } @$carls;
	my ($cited) = grep { $_->{citations} } @answers;
	like encode_json($cited->{citations}), qr/plugh document/, 'with citations';
	my ($rated) = grep { $_->{ratings} } @$carls;
	is_deeply [@{ $rated->{ratings}[0] }{qw(user remark scores)}],
	    ['carl', 'plugh remarked', { plugh => 7 }], 'with ratings';
	is_deeply [map { $_->{user} } map { @{ $_->{votes} // [] } } @answers], ['carl'],
	    'with votes';
	is scalar(grep { $_->{tool_runs} } @answers), 1, 'with runs of tools';
};

sub exported_from ($where, @args) {
	return [map { decode_json($_) } split /\n/,
	    encode('UTF-8', works($where, 'export', 'sessions', @args))];
}

# The same but for ids: each is called by when it first comes.
sub nameless ($value, $known = {}) {
	return [map { nameless($_, $known) } @$value] if ref $value eq 'ARRAY';
	return $value unless ref $value eq 'HASH';
	return { map { $_ => /^(?:id|group|parent)$/
	    ? $known->{ $value->{$_} } //= keys %$known : nameless($value->{$_}, $known) }
	    sort keys %$value };
}

subtest 'back to where it was erased' => sub {
	my $file = file('eve.jsonl', $saved);
	like works('import', 'sessions', $file), qr/ sessions imported, 2 of their/, 'imported';
	like works('import', 'sessions', $file), qr/: 0 sessions imported, \d+ were there/, 'once';
	my $again = exported('--user', 'eve');
	my $before = [map { decode_json($_) } split /\n/, encode('UTF-8', $saved)];
	delete @$_{qw(dataset documents)} for map { @$_ } $again, $before;
	is_deeply nameless($again), nameless($before), 'under other ids, since figures have theirs';
	my $sums = sums();
	is $sums->{cost}, $sums->{ledger}, 'the books balance';
	like $p->get('/task/list', user => 'eve')->body, qr/xyzzy task.*xyzzy asked/, 'she sees it';
	is_deeply [map { $_->{user} } @{ exported('--tenant', 'acme') }], [], 'none of acme';
	fails 65, qr/:1: skipped: it is there already/, 'import', 'sessions', $file, '--tenant',
	    'acme';
	works('user', 'erase', 'eve');
	works('import', 'sessions', $file, '--tenant', 'acme');
	is scalar(@{ exported('--tenant', 'acme', '--user', 'eve') }), @$before, 'into a tenant';
};

subtest 'bad lines' => sub {
	my ($good) = @{ exported('--user', 'carl') };
	my $edit = sub (%o) { encode_json({ %$good, %o }) };
	my $turn = $good->{turns}[0];
	my $answer = $turn->{answers}[0];
	my $answered = sub (%o) { $edit->(user => 'x3',
	    turns => [{ %$turn, answers => [{ %$answer, %o }] }]) };
	my @bad = (
		['{"id":', qr/cannot be read/], ['[1]', qr/no JSON object/],
		[$edit->(user => ''), qr/user is required/],
		[$edit->(id => '9007199254740000'), qr/a time to come/],
		[$edit->(id => 'x'), qr/id x? ?does not exist|id/],
		[$edit->(type => 'talk'), qr/type is not/],
		[$edit->(module => 3), qr/module is out/],
		[$edit->(tenant => 'nowhere'), qr/tenant nowhere does not/],
		[$edit->(assistant => 'nobody', user => 'x1'), qr/assistant nobody does not/],
		[$edit->(app => 'none', user => 'x2'), qr/app none does not/],
		[$answered->(status => 'running'), qr/status is not/],
		[$answered->(cost => '1e9'), qr/cost is not/],
		[$answered->(lane => 77), qr/lane 77 does not/],
		[$edit->(user => 'x3'), qr/exists|conflict|there/i],      # its lanes are carl's
	);
	my $before = contents(qw(session turn answer lane user ledger));
	my $file = file('bad.jsonl', decode('UTF-8',
	    join "\n", '', map { ($_->[0], '') } @bad));
	my ($exit, $out, $err) = parley('import', 'sessions', $file);
	is $exit, 65, 'bad lines: 65';
	my @said = split /\n/, $err;
	is scalar(@said), scalar(@bad), 'a line for each' or diag $err;
	for my $i (0 .. $#bad) {
		my $n = 2 + 2 * $i;
		like $said[$i], qr/bad\.jsonl:$n: skipped: .*$bad[$i][1]/, "line $n";
	}
	like $out, qr/: 0 sessions imported, \d+ bad lines skipped/, 'counted';
	is_deeply contents(qw(session turn answer lane user ledger)), $before, 'nothing is stored';
	fails 66, qr/nowhere\.jsonl/, 'import', 'sessions', "$dir/nowhere.jsonl";
	fails 65, qr/no regular file/, 'import', 'sessions', "$dir";
	fails 64, qr/--since takes a date/, 'export', 'sessions', '--since', 'yesterday';
};

# ---- what is old -----------------------------------------------------------------------------

subtest 'purge' => sub {
	say_it('grault');
	my ($old) = map { s/\D//gr } begin($p, 'grault asked', user => 'old');
	my ($kept) = map { s/\D//gr } begin($p, 'grault asked again', user => 'old');
	my ($gone_on) = map { s/\D//gr } (begin($p, 'and grault', user => 'old'))[0];
	$p->stream(POST => '/conv/chat', user => 'old',
	    json => body($p, 'go on', user => 'old', session => "chat_$gone_on"));
	my $age = sub ($table, $where, @ids) {
		$p->sql("UPDATE $table SET created_ms = created_ms - 600000 WHERE $where", @ids);
	};
	$age->(session => 'id IN (?, ?)', $old, $gone_on);
	$age->(turn => 'session = ?', $old);
	$age->(turn => 'session = ? ORDER BY id LIMIT 1', $gone_on);
	my $sums = sums();
	like works('purge', '--older-than', '5m', '--tenant', 'acme'), qr/^0 sessions/,
	    'of a tenant';
	like works('purge', '--older-than', '1h'), qr/^0 sessions/, 'none is so old';
	like works('purge', '--older-than', '5m'),
	    qr/^1 sessions are purged, with 1 questions and 2 answers$/, 'one is old';
	is_deeply [map { $_->{id} } @{ $p->sql('SELECT id FROM session WHERE id IN (?, ?, ?)'
	    . ' ORDER BY id', $old, $kept, $gone_on) }], [$kept, $gone_on], 'and gone';
	is_deeply sums(), $sums, 'what it cost stays';
	hang('grault');
	my $done;
	my $chat = new_chat($p, $carl{as})->{id};
	my %run = (json => { sessionId => $chat, modelId => $model, contentType => 'text',
	    text => 'runs' }, headers => { %{ { @{ $carl{as} } }->{headers} },
	    Accept => 'text/event-stream' }, user => undef);
	$p->stream(POST => $CHAT, %run, on_event => sub ($e, $stream) {
		return if $done || encode_json($e->{data}) !~ /far/;
		my ($turn) = map { $_->{id} }
		    @{ $p->sql('SELECT id FROM turn WHERE session = ?', $chat) };
		$age->(session => 'id = ?', $chat);
		$age->(turn => 'id = ?', $turn);
		$done = works('purge', '--older-than', '5m');
		works('stop', $turn);
	});
	like $done, qr/^0 sessions/, 'what runs is not old';
	like works('purge', '--older-than', '5m'), qr/^1 sessions/, 'until it has ended';
	works('purge', '--older-than', '1') if $p->eventually('all are a second old', sub {
		$p->sql('SELECT MAX(created_ms) < ROUND(UNIX_TIMESTAMP(NOW(3)) * 1000) - 1100 AS n'
		    . ' FROM turn')->[0]{n} });
	is count('session'), 0, 'all are purged';
	is_deeply [files_with('grault')], [], 'no word is left in the spool';
	fails 64, qr/--older-than/, 'purge';
	fails 64, qr/--older-than takes/, 'purge', '--older-than', $_ for 'long', '0', '-5';
	fails 66, qr/no tenant nowhere/, 'purge', '--older-than', '1d', '--tenant', 'nowhere';
};

$p->no_errors_logged('no other error', allow => [$DIED]);
done_testing;
