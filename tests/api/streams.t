#!/usr/bin/perl
# GET /v1/streams/{turn}: what was told is told again, byte for byte, on whichever worker, and goes
# on to the end.

use v5.36;
use utf8;

use ParleyTest;
use ParleyTest::Arena;
use ParleyTest::Streams;
use Test::More;

my $AGAIN = 4;		# resumes of a kind: with two workers either gets some

my $p = ParleyTest->new(models => 3, workers => 2);
my @models = map { $_->{code} } $p->models;

# Several times: every resume of that turn tells these lines, numbered from there.
sub retold ($turn, $after, $lines, $name, %o) {
	my @wanted = @$lines[$after .. $#$lines];
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	for (1 .. $AGAIN) {
		my $s = resume($p, $turn, %o);
		is_deeply [$s->code, $s->header('x-stream-id'), $s->header('x-stream-replay')],
		    [200, $turn, undef], "$name: a stream";
		is_deeply [data_lines($s)], \@wanted, "$name: byte for byte";
		is_deeply [ids_of($s)], [map { "$turn-$_" } $after + 1 .. @$lines],
		    "$name: numbered";
		is $s->aborted // $s->rest, '', "$name: whole";
	}
	return;
}

subtest 'a turn that is over' => sub {
	$p->script($models[0], { steps => [{ reasoning => 'Let me ' }, { reasoning => 'see' },
	    { delta => '一\n"二"' }, { delta => "line\nbreak \x{1f388}" },
	    { citations => [{ id => 'c1', summary => 'cited' }] }, { finish => 'length' },
	    { done => 1 }] });
	$p->script($models[1], { status => 500 });
	$p->script($models[2], steps(0.01, map { "$_ " } 1 .. 40));
	my (undef, undef, $s) = begin($p, 'Tell me');
	my @lines = data_lines($s);
	my $turn = turn_of($s);
	my $n = @lines;
	is_deeply [grep { defined } ids_of($s)], [], 'a POST has no ids of itself';

	my $first = resume($p, $turn);
	is $first->header('content-type'), 'text/event-stream; charset=utf-8', 'its type';
	is $first->header('cache-control'), 'no-cache', 'not to be kept';
	retold($turn, 0, \@lines, 'from the start');
	retold($turn, 0, \@lines, 'after 0', query => { after => 0 });
	retold($turn, 1, \@lines, 'after 1', query => { after => 1 });
	retold($turn, int $n / 2, \@lines, 'from the middle', query => { after => int $n / 2 });
	retold($turn, $n - 1, \@lines, 'the last event', last => "$turn-" . ($n - 1));
	retold($turn, 7, \@lines, 'the header goes before the query', last => "$turn-7",
	    query => { after => 2 });
	for my $o ([query => { after => $n }], [query => { after => $n + 5 }],
	    [query => { after => 9007199254740992 }], [last => "$turn-$n"]) {
		my $r = resume($p, $turn, @$o);
		is_deeply [$r->code, $r->body], [204, ''], 'nothing is left';
		like $r->header('cache-control'), qr/no-store/, 'and not kept';
	}

	# HEAD starts nothing.
	my $head = $p->request(HEAD => "/v1/streams/$turn");
	is_deeply [$head->code, $head->body, $head->header('x-stream-id'),
	    $head->header('content-type')],
	    [200, '', $turn, 'text/event-stream; charset=utf-8'], 'HEAD has the headers';
	is $p->get("/api/v1/streams/$turn/")->code, 200, 'behind /api too';

	# As it happened: with ids where they were wanted.
	$p->script($_, steps(0, 'a')) for @models;
	my $with = $p->stream(POST => '/conv/chat', json => body($p, 'x'),
	    headers => { 'X-Stream-Ids' => 1 });
	is_deeply [ids_of(resume($p, turn_of($with)))], [ids_of($with)], 'the same ids';
	is_deeply [data_lines(resume($p, turn_of($with)))], [data_lines($with)], 'for the same';
};

subtest 'a turn that runs' => sub {
	my @words = map { "w$_ " } 1 .. 25;
	my (@live, $half);
	$p->script($_, steps(0.04, @words)) for @models;
	my $s = $p->stream(POST => '/conv/chat', json => body($p, 'live'), on_event => sub ($e, $) {
		return if $live[0] || ++$half < 9;
		my $turn = $p->sql("SELECT id FROM turn WHERE question = 'live'")->[0]{id};
		# Each goes to whichever worker, and is read to its end.
		@live = map { watched($p->get("/v1/streams/$turn", query => { after => $_ })) } 0,
		    5;
	});
	my @lines = data_lines($s);
	is_deeply [data_lines($live[0])], \@lines, 'from the start, to its end';
	is_deeply [data_lines($live[1])], [@lines[5 .. $#lines]], 'without the first five';
	is_deeply [ids_of($live[0])], [map { turn_of($s) . "-$_" } 1 .. @lines], 'numbered';

	# Many at once, begun while it runs.
	$p->script($_, steps(0.1, @words)) for @models;
	my $left = $p->stream(POST => '/conv/chat', json => body($p, 'many'), leave_after => 4);
	my $turn = turn_of($left);
	my @all = $p->streams(map { [GET => "/v1/streams/$turn", query => { after => $_ }] }
	    0, 0, 4, 4, 11, 11);
	my @whole = data_lines($all[0]);
	is_deeply [@whole[0 .. 3]], [data_lines($left)], 'what its own client saw';
	is_deeply [data_lines($all[$_->[0]])], [@whole[$_->[1] .. $#whole]], "after $_->[1]"
	    for [1, 0], [2, 4], [3, 4], [4, 11], [5, 11];
	my %text = map { $_->{text} => 1 } values %{ $p->lanes($all[0]->events) };
	is_deeply [keys %text], [join '', @words], 'nobody listened, and nothing was lost';
	my @at = map { $_->{at} } @{ $all[0]->events };
	cmp_ok $at[-1] - $at[0], '>', 0.3, 'as it came';
	retold($turn, 3, \@whole, 'afterwards', query => { after => 3 });
};

subtest 'as EventSource does it' => sub {
	$p->script($_, steps(0.02, map { "$_ " } 1 .. 30)) for @models;
	my $left = $p->stream(POST => '/conv/chat', json => body($p, 'reconnect'),
	    leave_after => 1);
	my $turn = turn_of($left);
	my (@lines, @ids, $last);
	for (1 .. 100) {
		my $s = resume($p, $turn, leave_after => 10, defined $last ? (last => $last) : ());
		last if $s->code == 204;
		push @lines, data_lines($s);
		push @ids, ids_of($s);
		$last = $ids[-1];
	}
	is_deeply \@ids, [map { "$turn-$_" } 1 .. @ids], 'every event once, and then 204';
	is_deeply \@lines, [data_lines(resume($p, $turn))], 'and in its place';
	is resume($p, $turn, last => $last)->code, 204, 'for good';
};

subtest 'more events than one mark' => sub {
	$p->script($_, steps(0, map { "$_ " } 1 .. 700)) for @models;
	my (undef, undef, $s) = begin($p, 'long');
	my @lines = data_lines($s);
	cmp_ok @lines, '>', 2100, 'a long turn';
	my $turn = turn_of($s);
	for my $after (0, 255, 256, 257, 511, 512, 1000, 2048, @lines - 1) {
		my $again = resume($p, $turn, query => { after => $after });
		is_deeply [data_lines($again)], [@lines[$after .. $#lines]], "after $after";
	}
};

subtest 'whose it is' => sub {
	my ($session, undef, $s) = begin($p, 'mine');
	my $turn = turn_of($s);
	my $unknown = 4711;
	for my $user ('bob', undef) {
		for my $id ($turn, $unknown) {
			for my $method (qw(GET POST)) {
				my $path = "/v1/streams/$id" . ($method eq 'POST' ? '/stop' : '');
				my $r = $p->request($method => $path, user => $user);
				refused_natively $r, 404, qr/\b$id\b/, ($user // 'nobody')
				    . " $method";
				is $r->header('x-stream-id'), undef, 'no stream';
				is $r->body =~ s/$id//gr,
				    $p->request($method => $path =~ s/$id/4712/r,
				    user => $user)->body
				    =~ s/4712//gr, 'as if there was none';
			}
		}
	}
	my $guest = $p->post('/v1/auth/guest', user => undef)->json->{guest_id};
	refused_natively $p->get("/v1/streams/$turn", user => undef,
	    headers => { 'X-Guest-Id' => $guest }), 404, qr/$turn/, 'a guest\'s it is not';
	my $own = $p->stream(POST => '/conv/chat', json => body($p, 'guest', task => '1'),
	    user => undef, headers => { 'X-Guest-Id' => $guest });
	is resume($p, turn_of($own), user => undef)->code, 404, 'a guest\'s is the guest\'s';
	is_deeply [data_lines(resume($p, turn_of($own), user => undef,
	    headers => { Cookie => "parley_guest=$guest" }))], [data_lines($own)], 'alone';

	for my $id (qw(abc 0 -1 01 1.5 99999999999999999999 %20), '%ff', "${turn}x") {
		my $r = $p->get("/v1/streams/$id");
		is $r->code, 404, "no turn: $id" or diag $r->body;
	}
	refused_natively resume($p, $turn, query => { after => $_ }), 400, qr/after/, "after=$_"
	    for '-1', 'x', '1.5', '99999999999999999999';
	refused_natively resume($p, $turn, last => $_), 400, qr/Last-Event-ID/, "Last-Event-ID $_"
	    for 'x', $turn, "$turn-", "$turn--1", "$turn-x", "$turn-01", "-1", "$turn-1-1",
	    ($turn + 1) . '-1', "$turn-99999999999999999999", "$turn-1\xff";
	my $wrong = $p->request(DELETE => "/v1/streams/$turn");
	refused_natively $wrong, 405, qr/DELETE/, 'no other method';
	is $wrong->header('allow'), 'GET, HEAD, OPTIONS', 'its Allow';
	is $p->get("/v1/streams/$turn/stop")->code, 405, 'stop is no GET';

	# What is not stored has no stream to resume.
	my $combined = $p->stream(POST => '/combine/chat', json => body($p, 'fleeting'));
	is turn_of($combined), undef, 'a combined answer has no id';
	my $id = $p->sql('SELECT id FROM turn WHERE session IS NULL')->[0]{id};
	is $p->get("/v1/streams/$id")->code, 404, 'and cannot be had by its number';

	done_true $p->get('/conv/del', query => { sessionId => $session }), 'deleted';
	refused_natively resume($p, $turn), 404, qr/$turn/, 'is gone';
	refused_natively $p->post("/v1/streams/$turn/stop"), 404, qr/$turn/, 'for a stop too';
};

subtest 'masks stay on' => sub {
	my @trouble = ({ status => 500, body => '{"error":{"message":"veiled-a-70b m-a broke"}}' },
	    { steps => [{ delta => 'so far' }, { close => 'reset' }] }, steps(0, 'fine'));
	$p->script($models[$_], $trouble[$_]) for 0 .. 2;
	my (undef, undef, $s) = begin($p, 'who are you');
	is_deeply [$p->reveals(resume($p, turn_of($s))->seen)], [], 'in what is told again';
};

my %workers = map { ($_->{role} // '') => 1 }
    grep { ($_->{route} // '') eq '/v1/streams/{turn}' } $p->log_lines;
is keys %workers, 2, 'both workers have told turns again' or diag explain \%workers;
$p->no_errors_logged;

subtest 'workers are killed' => sub {
	$p->script($_, steps(0.05, map { "$_ " } 1 .. 200)) for @models;
	my $cut = $p->stream(POST => '/conv/chat', json => body($p, 'cut off'), on_event => sub {
		state $n = 0;
		kill KILL => @{ $p->pids->{workers} } if ++$n == 20;
	});
	my @seen = data_lines($cut);
	my $turn = turn_of($cut);
	my $again;
	$p->eventually('it can be told again', sub { ($again = resume($p, $turn))->code == 200 });
	my @lines = data_lines($again);
	is_deeply [@lines[0 .. $#seen]], \@seen, 'what was seen is told again, byte for byte';
	my $lanes = $p->lanes($again->events);
	is_deeply [map { [$_->{finish}, $_->{error}{code}, scalar @{ $_->{citations} }] }
	    values %$lanes], [(['error', 503, 1]) x 3], 'and each lane ends with its failure';
	for (1 .. $AGAIN) {
		my $rest = resume($p, $turn, query => { after => scalar @seen });
		is_deeply [data_lines($rest)], [@lines[@seen .. $#lines]],
		    'from where it broke off';
	}
	is resume($p, $turn, query => { after => scalar @lines })->code, 204, 'and it is over';
	my %stored = map { $_->{pri_id} => $_->{text} } @{ $p->sql('SELECT l.pri_id, a.text FROM'
	    . ' answer a JOIN lane l ON l.session = a.session AND l.lane = a.lane'
	    . ' WHERE a.turn = ?', $turn) };
	is_deeply { map { $_->{priId} => $_->{text} } values %$lanes }, \%stored,
	    'what is stored is what was told';
};

done_testing;
