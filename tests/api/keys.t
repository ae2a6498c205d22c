#!/usr/bin/perl
# API keys: how they are shown, what is charged to them, what they may not do any more, and that
# nothing stays reserved.

use v5.36;
use utf8;

use Mojo::JSON qw(decode_json);
use ParleyTest;
use ParleyTest::Arena;
use ParleyTest::Chat;
use ParleyTest::Process;
use ParleyTest::Socket;
use Test::More;
use Time::HiRes qw(sleep time);

my $PATH = '/v1/chat/session/conversation';
my $p = ParleyTest->new(models => 2, workers => 2, user => undef, set => { ping => 1 });
my ($model) = map { $_->{id} + 0 } @{ $p->sql('SELECT id FROM model ORDER BY code') };
my @seen;               # every key there was

sub key (%o) {
	my ($key, $id) = $p->key(%o);
	push @seen, $key;
	return ($key, $id);
}

sub by ($key, %headers) { return (user => undef, headers => { 'x-api-key' => $key, %headers }) }

sub question ($key, $text = 'How much?', $session = new_chat($p, [by($key)])->{id}) {
	return { sessionId => $session, modelId => $model, contentType => 'text', text => $text };
}

# The answer costs 0.002: 1000 tokens at 1 and 500 at 2 of a million.
sub script (@steps) {
	return $p->script('m-a', { steps => [@steps ? @steps : { delta => 'This much.' },
	    { finish => 'stop' }, { usage => { prompt_tokens => 1000, completion_tokens => 500 } },
	    { done => 1 }] });
}

sub sums ($id) {
	my $k = $p->sql('SELECT spent, reserved, called FROM api_key WHERE id = ?', $id)->[0];
	return [map { $_ + 0 } @$k{qw(spent reserved called)}];
}

sub books_balance ($name) {
	my $off = $p->sql('SELECT (SELECT COUNT(*) FROM reservation) AS reserved,'
	    . ' (SELECT COUNT(*) FROM api_key WHERE reserved <> 0) AS keys_reserved,'
	    . ' (SELECT COUNT(*) FROM api_key k WHERE spent <> (SELECT IFNULL(SUM(amount), 0)'
	    . '  FROM ledger l WHERE l.api_key = k.id)) AS keys_off,'
	    . ' (SELECT IFNULL(SUM(amount), 0) FROM ledger)'
	    . '  - (SELECT IFNULL(SUM(cost), 0) FROM answer) AS off')->[0];
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is_deeply { map { $_ => $off->{$_} + 0 } keys %$off },
	    { reserved => 0, keys_reserved => 0, keys_off => 0, off => 0 }, $name;
	return;
}

subtest 'how it is shown' => sub {
	my ($key) = key(user => 'shower');
	my $bad = 'sk-' . 'A' x 43;
	my $token = jwt($p, { sub => 'ann' });
	my $models = sub (%o) {
		return $p->get('/v1/chat/models', user => undef, %o);
	};
	my %way = (
		'Bearer'            => sub ($k) { (headers => { Authorization => "Bearer $k" }) },
		'Authorization'     => sub ($k) { (headers => { Authorization => $k }) },
		'x-api-key'         => sub ($k) { (headers => { 'x-api-key' => $k }) },
		'x-api-key: Bearer' => sub ($k) { (headers => { 'x-api-key' => "Bearer $k" }) },
		'x-api-key: bearer' => sub ($k) { (headers => { 'X-API-Key' => "bearer $k" }) },
		'apiKey'            => sub ($k) { (query => { apiKey => $k }) },
	);
	for my $how (sort keys %way) {
		is $models->($way{$how}->($key))->code, 200, $how;
		chat_refused $models->($way{$how}->($_)), 401, qr/API key|token/, "$how: not $_"
		    for $bad, 'sk-', substr($key, 0, -1), "${key}x";
	}
	my @both = map { $models->(%$_) }
	    { headers => { Authorization => "Bearer $key" }, query => { apiKey => $bad } },
	    { headers => { 'x-api-key' => $bad }, query => { apiKey => $key } },
	    { headers => { Authorization => $token, 'x-api-key' => $bad } };
	is $both[0]->code, 200, 'the first counts';
	chat_refused $both[1], 401, qr/API key/, 'alone';
	is $both[2]->code, 200, 'a token goes before';
	chat_refused $models->(headers => { 'x-api-key' => 'anything' }), 401, qr/API key/,
	    'what is no key at all';
	chat_refused $models->(by($key), user => 'ann'), 403, qr/userId/, 'in nobody else\'s name';
	chat_refused $p->post('/v1/chat/data/session/search', json => {}, by($key)), 403, qr/role/,
	    'administers nothing';
	my $session = new_chat($p, [by($key)]);
	is $p->sql('SELECT u.subject FROM session s JOIN user u ON u.id = s.owner WHERE s.id = ?',
	    $session->{id})->[0]{subject}, 'shower', 'what it makes is its user\'s';
	is $p->get("/v1/chat/session/$session->{id}", login($p, 'shower'))->code, 200,
	    'who sees it with a token too';
	is $p->get('/task/list', by($key))->code, 200, 'in every dialect';
};

subtest 'tenants' => sub {
	is +($p->parley('tenant', 'add', 'acme'))[0], 0, 'a tenant';
	my ($key) = key(user => 'shower', tenant => 'acme');
	my $session = new_chat($p, [by($key)])->{id};
	my ($mine) = key(user => 'shower');
	chat_refused $p->get("/v1/chat/session/$session", by($mine)), 404, qr/./,
	    'the user of that name elsewhere is another';
};

subtest 'what is charged' => sub {
	my ($key, $id) = key(user => 'payer', name => 'reports', allowance => 10);
	my $reserved;
	script({ delta => 'a' }, { sleep => 0.3 }, { delta => 'b' });
	my $s = $p->stream(POST => $PATH, json => question($key), by($key,
	    Accept => 'text/event-stream'), on_event => sub (@) { $reserved //= sums($id) });
	is $s->code, 200, 'a stream';
	is $reserved->[0], 0, 'nothing is spent while it runs';
	cmp_ok abs($reserved->[1] - (3 + 2 * 1024) / 1e6), '<', 1e-9, 'its estimate is reserved';
	is_deeply sums($id), [0.002, 0, 1], 'what it did cost is spent, nothing reserved';
	my $row = $p->sql('SELECT l.amount, a.cost, t.api_key FROM ledger l JOIN answer a'
	    . ' ON a.id = l.answer JOIN turn t ON t.id = a.turn WHERE l.api_key = ?', $id)->[0];
	is_deeply [map { $_ + 0 } @$row{qw(amount cost api_key)}], [0.002, 0.002, $id + 0],
	    'as the ledger has it, and the turn knows its key';
	script();
	is $p->post($PATH, json => question($key), by($key))->code, 200, 'one reply';
	is_deeply sums($id), [0.004, 0, 2], 'charged too';
	script({ delta => 'half' }, { close => 1 });
	$p->stream(POST => $PATH, json => question($key), by($key, Accept => 'text/event-stream'));
	my ($spent, $rest, $called) = @{ sums($id) };
	ok $spent > 0.004 && $spent < 0.005 && $rest == 0 && $called == 3, 'and what broke off'
	    or diag explain sums($id);
	my $task = $p->get('/task/list', by($key))->json->{data}[-1]{id};
	my $chat = $p->stream(POST => '/conv/chat', by($key), json => { taskId => $task,
	    messages => [{ role => 'user', content => 'Both?' }] });
	is $chat->code, 200, 'the arena';
	is $p->sql('SELECT COUNT(*) AS n FROM ledger WHERE api_key = ?', $id)->[0]{n}, 5,
	    'both of its answers';
	is sums($id)->[2], 4, 'of one call';
	$p->stream(POST => '/combine/chat', by($key), json => { taskId => 'x', session_id => 'x',
	    messages => [{ role => 'user', content => 'Who?' }] });
	is sums($id)->[2], 5, 'and what is not stored';
	$p->eventually('all is settled', sub { sums($id)->[1] == 0 });
	my ($exit, $out) = $p->parley('show', 'usage', '--json');
	my %usage;
	$usage{ $_->{key} // 'none' } += $_->{cost} for @{ decode_json($out) };
	cmp_ok abs($usage{$id} - sums($id)->[0]), '<', 1e-9, 'usage is told by key';
	like +($p->parley('show', 'usage'))[1], qr/^20\S+ +reports +m-a +\d/m, 'for people';
	books_balance('the books balance');
};

subtest 'no allowance left' => sub {
	my ($key, $id) = key(user => 'poor', allowance => '0.003');
	my $session = new_chat($p, [by($key)])->{id};
	script();
	is $p->post($PATH, json => question($key, 'One?', $session), by($key))->code, 200, 'one';
	$p->upstream->clear_log;
	my $count = sub { $p->sql('SELECT COUNT(*) AS n FROM turn')->[0]{n} };
	my $turns = $count->();
	chat_refused $p->post($PATH, json => question($key, 'Two?', $session), by($key)), 402,
	    qr/额度已用完: money/, 'the next is not paid for';
	chat_refused $p->post($PATH, json => question($key, 'Two?', $session),
	    by($key, 'Accept-Language' => 'en', Accept => 'text/event-stream',
	    'Idempotency-Key' => 'two')), 402, qr/^the allowance is used up: money$/, 'in English';
	is_deeply [$p->upstream_log], [], 'no model was asked';
	is $count->(), $turns, 'nothing is stored';
	is_deeply sums($id), [0.002, 0, 1], 'nor reserved';
	is $p->get("/v1/chat/session/$session", by($key))->code, 200, 'what costs nothing goes on';
	$p->parley('key', 'set', $id, '--allowance', '0.1', '--calls', '2');
	script();
	is $p->post($PATH, json => question($key, 'Two?', $session),
	    by($key, 'Idempotency-Key' => 'two'))->code, 200, 'with more money, the same request';
	chat_refused $p->post($PATH, json => question($key, 'Three?', $session), by($key)), 402,
	    qr/calls/, 'calls have an end as well';
	my $task = $p->get('/task/list', by($key))->json->{data}[-1]{id};
	refused $p->post('/conv/chat', by($key), json => { taskId => $task,
	    messages => [{ role => 'user', content => 'Me?' }] }), 402, qr/calls/,
	    'in another dialect';
	$p->parley('key', 'set', $id, '--calls', 'none', '--allowance', 'none');
	is $p->post($PATH, json => question($key, 'Three?', $session), by($key))->code, 200,
	    'limits can be lifted';
	books_balance('the books balance');
};

subtest 'many at once' => sub {
	# Each puts 0.00205 aside and costs 0.002: five fit, whoever comes first.
	my ($key, $id) = key(user => 'crowd', allowance => '0.0103');
	script({ delta => 'x' }, { sleep => 0.5 }) for 1 .. 40;
	my @sessions = map { new_chat($p, [by($key)])->{id} } 1 .. 40;
	my @s = $p->streams(map { [POST => $PATH, json => question($key, 'Me?', $_),
	    by($key, Accept => 'text/event-stream')] } @sessions);
	my %codes;
	$codes{ $_->code }++ for @s;
	is_deeply \%codes, { 200 => 5, 402 => 35 }, 'as many as can be paid for';
	is_deeply sums($id), [0.01, 0, 5], 'and no more is spent';
	$p->upstream->unscript;
	books_balance('the books balance');
};

subtest 'revoked in the middle' => sub {
	my ($key, $id) = key(user => 'gone');
	my ($other, $other_id) = key(user => 'gone');
	my @slow = map { ({ delta => "w$_ " }, { sleep => 0.05 }) } 1 .. 200;
	my $open = ParleyTest::Socket->new(port => $p->{port}, path => $PATH,
	    headers => { 'x-api-key' => $key });
	is $open->status, 101, 'a WebSocket with it';
	my $session = new_chat($p, [by($key)])->{id};
	script(@slow) for 1 .. 2;
	my ($out, $begun, @late) = ('', 0);
	my @s = $p->streams(map { my ($k, $first) = ($_, 1);
	    [POST => $PATH, json => question($k, 'Slow?'), by($k, Accept => 'text/event-stream'),
	    on_event => sub ($event, $leave) {
		return if !@{ $event->{data}{parts} };
		$begun++ if $first;
		$first = 0;
		return if $begun < 2;
		if ($out eq '') {
			$out = ($p->parley('key', 'revoke', $id))[1];
			@late = ($p->get('/v1/chat/models', by($key)),
			    $p->post($PATH, json => question($other, 'Late?', $session), by($key)));
		}
		$leave->() if $k eq $other;
	    }] } $key, $other);
	like $out, qr/is revoked, 1 running/, 'revoked, with what runs';
	chat_refused $_, 401, qr/API key/, 'at once' for @late;
	my $last = $s[0]->events->[-1]{data};
	ok $last->{finished} && $last->{stopped}, 'its stream ends as stopped';
	is $last->{record}{status}, 'finished_success', 'with what was said';
	my $close = $open->closed;
	is $close, 1008, 'its WebSocket is closed';
	$p->eventually('what was stopped is paid for', sub {
		my ($spent, $reserved) = @{ sums($id) };
		$spent > 0 && $reserved == 0 });
	my $running = $p->sql("SELECT COUNT(*) AS n FROM answer a JOIN turn t ON t.id = a.turn"
	    . " WHERE t.api_key = ? AND a.status = 'running'", $other_id)->[0]{n};
	is $running, 1, 'what another key has begun goes on';
	$p->parley('key', 'revoke', $other_id);
	$p->eventually('until its own is revoked', sub { sums($other_id)->[1] == 0 });
	books_balance('the books balance');
};

subtest 'a worker dies' => sub {
	my ($key, $id) = key(user => 'mourner', allowance => 1);
	script(map { ({ delta => "w$_ " }, { sleep => 0.05 }) } 1 .. 200);
	my $killed = 0;
	$p->stream(POST => $PATH, json => question($key, 'Slow?'),
	    by($key, Accept => 'text/event-stream'), on_event => sub ($event, $) {
		return if $killed || !@{ $event->{data}{parts} };
		cmp_ok sums($id)->[1], '>', 0, 'while it runs its estimate is reserved';
		$killed = kill KILL => @{ $p->pids->{workers} };
	    });
	is $killed, 2, 'the workers are killed';
	$p->eventually('what it left is settled', sub {
		my ($spent, $reserved) = @{ sums($id) };
		$spent > 0 && $reserved == 0 });
	books_balance('the books balance');
};

subtest 'requests per second' => sub {
	my ($key) = key(user => 'hasty', rate => 3);
	my ($same) = key(user => 'hasty');
	my $ask = sub ($k) { return $p->get('/v1/chat/models', by($k, 'Accept-Language' => 'en')) };
	my ($fair, @r) = (0);
	# Four within a second, of which the machine may have no idea: once more then.
	for (1 .. 10) {
		my $begun = time;
		@r = ();
		push @r, $ask->($key) for 1 .. 3;
		sleep 0.3;
		push @r, $ask->($key);
		last if ($fair = time - $begun < 0.95);
		sleep 1.1;
	}
	ok $fair, 'four within a second';
	is_deeply [map { $_->code } @r], [200, 200, 200, 429], 'the fourth is one too many';
	is $r[3]->json->{msg}, 'too many requests: key_rate', 'and told so';
	is $r[3]->header('retry-after'), 1, 'when to come again';
	is $ask->($same)->code, 200, 'another key of that user is not affected';
	$p->eventually('a second later there is room', sub { $ask->($key)->code == 200 });
};

# Nobody reads a key in a log.
my @logs = glob "$p->{stack}/log/* $p->{stack}/log/*/*";
my $logged = join '', map { -f ? ParleyTest::Process::slurp($_) : () } @logs;
my @leaked = grep { index($logged, substr $_, 3) >= 0 } @seen;
ok length $logged > 1000, 'there are logs';
is_deeply \@leaked, [], 'no key is in them';

my %doctor = map { $_->{what} => $_ }
    @{ decode_json(($p->parley('doctor', '--json'))[1])->{findings} };
is $doctor{books}{finding}, 'good', 'the doctor finds the books in order'
    or diag explain $doctor{books};
$p->sql('UPDATE api_key SET spent = spent + 1 LIMIT 1');
my ($exit, $out) = $p->parley('doctor', '--json');
%doctor = map { $_->{what} => $_ } @{ decode_json($out)->{findings} };
ok $exit == 1 && $doctor{books}{finding} eq 'bad' && $doctor{books}{text} =~ / 1 keys /,
    'and when they are not';

$p->no_errors_logged('quiet but for the dead', allow => [qr/a worker died/]);
done_testing;
