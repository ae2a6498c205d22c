#!/usr/bin/perl
# /metrics: what was done is what is counted, through several workers and their deaths, in a form
# that Prometheus likes, for local callers alone.

use v5.36;
use utf8;

use List::Util qw(sum0);
use Test::More;

use ParleyTest;
use ParleyTest::Arena;
use ParleyTest::Fcgi qw(from_address);
use ParleyTest::Process;

my $p = ParleyTest->new(models => 2, workers => 2);
my @end = ({ finish => 'stop' }, { done => 1 });

# The figures, by name with labels.
sub figures () {
	my $r = $p->get('/metrics', user => undef);
	return { $r->body =~ /^([^#\s]\S*(?:\{.*\})?) (\S+)$/mg };
}

# All of a name, whatever its labels.
sub all ($f, $name) { return sum0 map { $f->{$_} } grep { /^\Q$name\E\{/ } keys %$f }

sub route ($dialect, $path, $method, $status) {
	return "parley_requests_total{dialect=\"$dialect\",route=\"$path\",method=\"$method\","
	    . "status=\"$status\"}";
}

# It has become so many more since. A request counts when its reply is out.
sub counted ($before, $name, $figure, $n) {
	my $more;
	$p->eventually($name, sub {
		$more = (figures()->{$figure} // 0) - ($before->{$figure} // 0);
		$more >= $n });
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is $more, $n, '… not more';
}

sub promtool ($text) {
	return ParleyTest::Process::capture(['promtool', 'check', 'metrics'], stdin => $text,
	    dir => $p->dir);
}

sub gone ($pid) { return !grep { $_ == $pid } @{ $p->pids->{workers} } }

# ----

my $first = $p->get('/metrics', user => undef);
is $first->code, 200, 'figures';
is $first->header('content-type'), 'text/plain; version=0.0.4; charset=utf-8', 'as Prometheus says';
my ($exit, $out, $err) = promtool($first->body);
is "$exit$out$err", '0', 'promtool has nothing to say';
like $first->body, qr/^parley_build_info\{version="[\d.]+\S*"\} 1$/m, 'the version';
$p->eventually('two workers', sub { (figures()->{parley_workers} // 0) == 2 });
my $started = figures()->{process_start_time_seconds};
ok $started > time - 120 && $started < time + 2, 'since when';

subtest 'requests' => sub {
	my $before = figures();
	$p->task;
	for my $n (1 .. 40) {
		$p->get('/task/list', headers => { Connection => 'close' });
	}
	$p->get('/no-such/path') for 1 .. 2;
	$p->get('/v1/nothing/at/all') for 1 .. 3;
	$p->request('DELETE', '/task/list') for 1 .. 4;
	$p->request('HEAD', '/healthz', user => undef);
	$p->post('/conv/create', body => '{');
	counted($before, 'by route and status', route('arena', '/task/list', 'GET', 200) => 41);
	counted($before, 'unknown paths are one', route('none', 'none', 'GET', 404) => 3);
	counted($before, 'a wrong method', route('none', 'none', 'DELETE', 405) => 4);
	counted($before, 'HEAD', route('native', '/healthz', 'HEAD', 200) => 1);
	counted($before, 'what was refused', route('arena', '/conv/create', 'POST', 400) => 1);
	$p->eventually('each was timed', sub {
		my $f = figures();
		$f->{parley_request_duration_seconds_count} == all($f, 'parley_requests_total') });
	my %pid = map { $_->{pid} => 1 } grep { $_->{msg} eq 'request' } $p->log_lines;
	is scalar(keys %pid), 2, 'by both workers';
};

subtest 'answers' => sub {
	my $before = figures();
	$p->script('*', { times => 0, steps => [map({ ({ delta => "$_ " }, { sleep => 0.05 }) }
	    1 .. 20), @end] });
	my $task = $p->task;
	my ($n, $during) = (0);
	my $look = sub (@) { $during = figures() if ++$n == 30 };
	my @s = $p->streams(map({ [POST => '/conv/chat', json => body($p, 'Well?', task => $task),
	    $_ == 1 ? (on_event => $look) : ()] } 1 .. 4));
	is scalar(grep { $_->code == 200 } @s), 4, 'four streams';
	is $during->{parley_streams}, 4, 'that are open';
	is $during->{parley_turns_running}, 4, 'and run';
	cmp_ok $during->{parley_spool_bytes}, '>', 0, 'with a spool';
	$p->eventually('none is later', sub { my $f = figures();
	    !grep { $f->{$_} } qw(parley_streams parley_turns_running parley_closer_backlog) });

	my $after = figures();
	my $more = sub ($name) { return ($after->{$name} // 0) - ($before->{$name} // 0) };
	counted($before, 'requests as well', route('arena', '/conv/chat', 'POST', 200) => 4);
	counted($before, 'timed apart', parley_stream_duration_seconds_count => 4);
	is $more->('parley_first_token_seconds_count'), 8, 'a first token for each lane';
	is $more->('parley_delta_seconds_count'), 160, 'each delta';
	cmp_ok $more->('parley_delta_seconds_sum'), '<', 160 * 0.5, 'in a moment';
	is $more->('parley_answers_total{status="stop"}'), 8, 'how they ended';
	my $rows = $p->sql('SELECT m.code, SUM(a.prompt_tokens) AS i,'
	    . ' SUM(a.completion_tokens) AS o,'
	    . ' SUM(a.cost) AS cost FROM answer a JOIN model m ON m.id = a.model GROUP BY m.code');
	for my $r (@$rows) {
		is $after->{"parley_tokens_total{model=\"$r->{code}\",kind=\"prompt\"}"}, $r->{i},
		    "$r->{code}: what it read";
		is $after->{"parley_tokens_total{model=\"$r->{code}\",kind=\"completion\"}"},
		    $r->{o},
		    "$r->{code}: what it said";
		is sprintf('%.10f', $after->{"parley_cost_total{model=\"$r->{code}\"}"}),
		    sprintf('%.10f', $r->{cost}), "$r->{code}: what it cost";
	}
	is scalar(@$rows), 2, 'both models';
};

subtest 'upstreams that fail' => sub {
	$p->upstream->unscript;
	$p->script('m-a', { times => 1, status => 400 });
	begin($p, 'Fails?');
	my $f = figures();
	is $f->{'parley_upstream_errors_total{model="m-a",kind="request"}'}, 1, 'are counted';
	is $f->{'parley_answers_total{status="error"}'}, 1, 'their answers too';
	is $f->{'parley_model_breaker{model="m-a",state="closed"}'}, 1, 'a breaker is closed';
	is $f->{'parley_model_breaker{model="m-a",state="open"}'}, 0, '… not open';
	is $f->{'parley_model_calls{model="m-a"}'}, 0, 'no call is in flight';
	is $f->{'parley_model_events_total{model="m-a",event="retried"}'}, 0, 'nothing was retried';
	$p->script('m-a', { times => 1, status => 500 });
	begin($p, 'Again?');
	$f = figures();
	is $f->{'parley_model_events_total{model="m-a",event="retried"}'}, 1, 'now it was';
	is $f->{'parley_upstream_errors_total{model="m-a",kind="status_5xx"}'}, 1,
	    'a call that failed';
};

subtest 'a worker is killed' => sub {
	$p->upstream->unscript;
	$p->script('*', { times => 0, steps => [map({ ({ delta => "$_ " }, { sleep => 0.05 }) }
	    1 .. 60), @end] });
	my $task = $p->task;
	my ($n, $before) = (0);
	my $kill = sub (@) {
		return if ++$n != 20;
		$before = figures();
		kill KILL => $p->pids->{workers}[0];
	};
	my ($victim) = @{ $p->pids->{workers} };
	my @s = $p->streams(map({ [POST => '/conv/chat', json => body($p, 'Well?', task => $task),
	    on_event => $_ == 1 ? $kill : sub { }] } 1 .. 6));
	is $before->{parley_streams}, 6, 'six streams before';
	$p->eventually('another takes its place', sub { gone($victim)
	    && @{ $p->pids->{workers} } == 2 });
	$p->eventually('its gauges fall to nothing', sub { my $f = figures();
	    my @gauges = qw(parley_streams parley_turns_running);
	    ($f->{parley_workers} // 0) == 2 && !grep { $f->{$_} } @gauges });
	my $after = figures();
	my @back = grep { /_(?:total|bucket|sum|count)\b/ && $after->{$_} < $before->{$_} }
	    keys %$before;
	is_deeply \@back, [], 'no counter goes back';
	$p->eventually('what it left is settled and counted', sub {
		my ($sum) = map { $_->{n} } @{ $p->sql('SELECT COUNT(*) AS n FROM answer'
		    . ' WHERE running IS NULL') };
		$sum == all(figures(), 'parley_answers_total') });
	my $cost = $p->sql('SELECT SUM(amount) AS n FROM ledger')->[0]{n};
	ok abs($cost - all(figures(), 'parley_cost_total')) < 1e-8, 'its cost too';
};

subtest 'the service begins anew' => sub {
	my $before = figures();
	kill TERM => $p->pids->{master};
	$p->eventually('all end', sub { !$p->pids->{master} });
	$p->up;
	my $after = figures();
	# What became of calls to a model begins anew with the service.
	is_deeply [grep { /_(?:total|bucket|sum|count)\b/ && !/^parley_model_/
	    && ($after->{$_} // -1) < $before->{$_} } keys %$before], [], 'and goes on counting';
};

subtest 'not for everybody' => sub {
	my $r = from_address($p, '203.0.113.9', GET => '/metrics');
	is $r->code, 403, 'from elsewhere';
	is_deeply [$p->reveals($r->seen)], [], 'and no word of the models';
	is $r->json->{error}{code}, 403, 'in the envelope';
	is from_address($p, '127.0.0.1', GET => '/metrics')->code, 200, 'from here';
	is from_address($p, '203.0.113.9', GET => '/api/metrics')->code, 403,
	    'under its other name';
	my $wrong = $p->post('/metrics', body => '{}');
	is $wrong->code, 405, 'POST';
	is $wrong->header('allow'), 'GET, HEAD, OPTIONS', 'its Allow';
	my $head = $p->request('HEAD', '/metrics');
	is_deeply [$head->code, $head->body], [200, ''], 'HEAD';
};

my $last = $p->get('/metrics')->body;
($exit, $out, $err) = promtool($last);
is "$exit$out$err", '0', 'promtool has still nothing to say';
$p->no_errors_logged('quiet but for the dead', allow => [qr/a worker died/]);
done_testing;
