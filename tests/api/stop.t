#!/usr/bin/perl
# POST /v1/streams/{turn}/stop and `parley stop`: a turn ends with what was said.

use v5.36;
use utf8;

use Mojo::JSON qw(decode_json);
use ParleyTest;
use ParleyTest::Arena;
use ParleyTest::Streams;
use Test::More;
use Time::HiRes qw(time);

my $p = ParleyTest->new(models => 3, workers => 2);
my @models = map { $_->{code} } $p->models;
my @hanging = ({ delta => 'so ' }, { delta => 'far' }, { hang => 1 });

# Asks; once every lane that hangs has said what it has to say, $then gets the turn.
sub asked ($question, $hanging, $then) {
	my ($said, $done) = (0);
	return $p->stream(POST => '/conv/chat', json => body($p, $question),
	    headers => { 'X-Stream-Ids' => 1 }, on_event => sub ($e, $) {
		$said++ if $e->{data}{choices}[0]{delta}{content} eq 'far';
		return if $done || $said < $hanging;
		$done = 1;
		$then->($e->{id} =~ /^(\d+)-/, $e->{data}{session_id});
	});
}

sub stop ($turn, %o) { return $p->post("/v1/streams/$turn/stop", %o) }

sub statuses ($turn) {
	return [map { $_->{status} }
	    @{ $p->sql('SELECT status FROM answer WHERE turn = ? ORDER BY status', $turn) }];
}

my @took;
for my $round (1 .. 4) {
	subtest "a stop, $round" => sub {
		$p->upstream->clear_log;
		$p->script($_, { steps => \@hanging }) for @models[0, 1];
		$p->script($models[2], steps(0, 'done'));
		my ($at, $reply, $again, $turn, $session);
		my $s = asked("stop $round", 2, sub ($id, $in) {
			($turn, $session) = ($id, $in);
			$p->eventually('one lane has ended', sub { grep { $_ eq 'stop' }
			    @{ statuses($turn) } });
			$at = time;
			$reply = stop($turn);
		});
		push @took, $s->{ended} - $at;
		is_deeply [$reply->code, $reply->json], [200, { stopped => Mojo::JSON->true }],
		    'it was stopped';
		my $lanes = $p->lanes($s->events);
		for my $lane (values %$lanes) {
			is $lane->{finish}, 'stop', "$lane->{text}: ends as others do";
			is @{ $lane->{citations} }, 1, 'with one frame after it';
			is_deeply [map { $_->{stopped} ? 1 : 0 } @{ $lane->{frames} }],
			    [(0) x $#{ $lane->{frames} }, $lane->{text} eq 'done' ? 0 : 1],
			    'the last frame of a stopped lane says so';
		}
		is_deeply [sort map { $_->{text} } values %$lanes], ['done', 'so far', 'so far'],
		    'with what was said';
		is_deeply statuses($turn), [qw(stop stopped stopped)], 'stored so';
		my $his = $p->get('/conv/his', query => { sessionId => $session })->json->{data};
		is_deeply [sort map { $_->[0]{choices}[0]{delta}{content} }
		    values %{ $his->{chatMap} }], ['done', 'so far', 'so far'], 'and read so';
		$p->eventually('the upstream was left', sub {
			2 == grep { $_->{ended} eq 'aborted' } $p->upstream_log });
		my $second = stop($turn);
		is_deeply [$second->code, $second->json], [200, { stopped => Mojo::JSON->false }],
		    'a second stop finds it over';
		is_deeply [data_lines(resume($p, $turn))], [data_lines($s)], 'told again as it was';
		$p->script($_, steps(0, 'next')) for @models;
		is $p->stream(POST => '/conv/chat', json => body($p, 'next', session => $session))
		    ->code, 200, 'the session goes on';
	};
}

cmp_ok scalar(grep { $_ < 0.3 } @took), '>=', 3, 'streams end at once' or diag "@took";

subtest 'who must not' => sub {
	$p->script($_, { steps => \@hanging }) for @models;
	my (@foreign, @own);
	my $s = asked('mine', 3, sub ($turn, $) {
		@foreign = map { stop($turn, user => $_) } 'bob', undef;
		push @foreign, stop($_) for 4711, 'x';
		ok !$p->sql('SELECT stop_ms FROM turn WHERE id = ?', $turn)->[0]{stop_ms},
		    'nothing was noted';
		is_deeply statuses($turn), [('running') x 3], 'nothing stops';
		@own = map { stop($turn) } 1, 2;
	});
	refused_natively $_, 404, qr/\S/, 'not theirs' for @foreign;
	is $own[0]->json->{stopped}, 1, 'the owner may';
	is $own[1]->code, 200, 'and twice at once';
};

subtest 'before a word was said' => sub {
	$p->script($_, { hang_before => \1 }) for @models;
	my $left = $p->stream(POST => '/conv/chat', json => body($p, 'silence'), timeout => 0.5);
	is $left->code, 200, 'it has begun';
	my $turn = turn_of($left);
	is stop($turn)->json->{stopped}, 1, 'a turn that waits for its upstream';
	my $s = resume($p, $turn);
	is_deeply [map { [@$_{qw(text finish)}, $_->{frames}[-1]{stopped} ? 1 : 0] }
	    values %{ $p->lanes($s->events) }], [(['', 'stop', 1]) x 3], 'ends';
	is_deeply statuses($turn), [('stopped') x 3], 'and is stored';
};

subtest 'those who follow' => sub {
	$p->script($_, { steps => \@hanging }) for @models;
	my $left = $p->stream(POST => '/conv/chat', json => body($p, 'followed'), leave_after => 6);
	my $turn = turn_of($left);
	my $stopped;
	my @s = $p->streams(map { [GET => "/v1/streams/$turn", on_event => sub ($e, $) {
		stop($turn) if !$stopped++;
	}] } 1 .. 4);
	is_deeply [data_lines($_)], [data_lines($s[0])], 'all see the same end' for @s;
	is_deeply [map { $_->{frames}[-1]{stopped} ? 1 : 0 } values %{ $p->lanes($s[0]->events) }],
	    [1, 1, 1], 'which says that it was stopped';
};

# --- from the command line

subtest 'parley stop' => sub {
	$p->script($_, { steps => \@hanging }) for @models[0, 1];
	$p->script($models[2], steps(0, 'done'));
	my ($at, @ran, $shown, $elsewhere);
	my $s = asked('by hand', 2, sub ($turn, $) {
		$p->eventually('one lane has ended', sub { grep { $_ eq 'stop' }
		    @{ statuses($turn) } });
		$shown = decode_json(($p->parley('show', 'streams', '--json'))[1]);
		$elsewhere = decode_json(($p->parley({ env => {
		    PARLEY_STATE_DIR => $p->dir . '/nowhere' } }, 'show', 'streams', '--json'))[1]);
		$at = time;
		@ran = $p->parley('stop', $turn);
	});
	my $turn = $shown->[0]{turn};
	is_deeply [@ran[0, 2]], [0, ''], 'works';
	like $ran[1], qr/\Aturn $turn has ended: (?:lane \d (?:stop|stopped)(?:, |\n\z)){3}/,
	    'and says so';
	cmp_ok $s->{ended} - $at, '<', 3, 'soon';
	my ($row) = @$shown;
	is @$shown, 2, 'show streams had two of its lanes';
	is $row->{worker}, $p->sql('SELECT worker FROM turn WHERE id = ?', $turn)->[0]{worker},
	    'their worker';
	cmp_ok $row->{events}, '>=', 6, 'how much was told';
	like $row->{last}, qr/^20\d\d-\d\d-\d\dT/, 'and when last';
	is_deeply $elsewhere, [map { { %$_, events => undef, last => undef } } @$shown],
	    'without the state directory all but that';
	my ($exit, $out) = $p->parley('stop', $turn, '--json');
	my $json = decode_json($out);
	is_deeply [$exit, $json->{turn}, !!$json->{stopped}, sort map { $_->{status} }
	    @{ $json->{lanes} }], [0, $turn, !!0, qw(stop stopped stopped)],
	    'over already, as JSON';
	($exit, undef, my $err) = $p->parley('stop', '4711');
	is $exit, 66, 'an unknown turn';
	like $err, qr/\Aparley: stop: .*4711.*\n\z|\Aparley: .*4711 does not exist\n\z/, 'is named';
	($exit, undef, $err) = $p->parley('stop', 'soon');
	is $exit, 64, 'no turn';
	like $err, qr/soon/, 'is named';
};

subtest 'a letter that does not arrive' => sub {
	$p->script($_, { steps => \@hanging }) for @models;
	my @ran;
	my $s = asked('by note', 3, sub ($turn, $) {
		@ran = $p->parley({ env => { PARLEY_STATE_DIR => $p->dir . '/nowhere' } }, 'stop',
		    $turn);
	});
	is $ran[0], 0, 'the note in the database does' or diag $ran[2];
	is_deeply [map { $_->{text} } values %{ $p->lanes($s->events) }], [('so far') x 3],
	    'with what was said';
};

subtest 'a worker that does not answer' => sub {
	$p->script($_, { steps => \@hanging }) for @models;
	my @workers = @{ $p->pids->{workers} };
	my @ran;
	my $s = asked('deaf', 3, sub ($turn, $) {
		kill STOP => @workers;
		@ran = $p->parley('stop', $turn);
		kill CONT => @workers;
	});
	is $ran[0], 75, 'is not waited for';
	like $ran[2], qr/\Aparley: [^\n]*does not answer[^\n]*\n\z/, 'and told of';
	is_deeply [map { $_->{frames}[-1]{stopped} ? 1 : 0 } values %{ $p->lanes($s->events) }],
	    [1, 1, 1], 'it stops when it can';
};

subtest 'what is not stored' => sub {
	$p->script($_, { steps => \@hanging }) for @models;
	my ($said, $web, @ran) = (0);
	my $s = $p->stream(POST => '/combine/chat', json => body($p, 'fleeting'),
	    on_event => sub ($e, $) {
		$said++ if $e->{data}{choices}[0]{delta}{content} eq 'far';
		return if @ran || $said < 3;
		my ($row) = @{ decode_json(($p->parley('show', 'streams', '--json'))[1]) };
		$web = stop($row->{turn});
		@ran = $p->parley('stop', $row->{turn});
	});
	is $web->code, 404, 'has no name that clients know';
	is $ran[0], 0, 'but can be stopped by hand' or diag $ran[2];
	is_deeply [map { $_->{text} } values %{ $p->lanes($s->events) }], [('so far') x 3],
	    'and is';
};

$p->no_errors_logged;
done_testing;
