#!/usr/bin/perl
# Limits by user and by address, of requests and of streams: they hold over all workers, hurt nobody
# else, and are given back whatever happens.

use v5.36;
use utf8;

use Mojo::UserAgent;
use Test::More;
use Time::HiRes qw(sleep time);

use ParleyTest;
use ParleyTest::Arena;
use ParleyTest::Chat qw(jwt);
use ParleyTest::Fcgi qw(from_address);
use ParleyTest::Socket;

my $p = ParleyTest->new(models => 1, workers => 2, set => { streams_limit => 3 });
my @end = ({ finish => 'stop' }, { done => 1 });

# Every answer from now on: so many words, a twentieth of a second apart.
sub speak ($n) {
	$p->upstream->unscript;
	$p->script('*', { times => 0, steps => [
	    map({ ({ delta => "$_ " }, { sleep => 0.05 }) } 1 .. $n), @end] });
	return;
}

sub settings (%set) {
	my ($exit, undef, $err) = $p->stack('up', map { ('--set', "$_=$set{$_}") } sort keys %set);
	is $exit, 0, join ' ', 'settings:', map { "$_=$set{$_}" } sort keys %set or diag $err;
	return;
}

subtest 'WebSockets of a user, where nothing is set' => sub {
	my $dial = sub ($user) {
		return ParleyTest::Socket->new(port => $p->{port},
		    path => '/v1/chat/session/conversation',
		    headers => { Authorization => 'Bearer ' . jwt($p, { sub => $user }) });
	};
	my @s = map { $dial->('ann') } 1 .. 100;
	is scalar(grep { $_->status != 101 } @s), 0, 'a hundred';
	my $more = $dial->('ann');
	is $more->status, 429, 'and no more';
	like $more->json->{msg}, qr/sockets_limit/, '… for that setting';
	my $other = $dial->('bob');
	is $other->status, 101, 'but for another';
	$_->gone for @s, $other;
};

sub too_many ($r, $name, $setting, $most = 1) {
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	refused $r, 429, qr/请求过于频繁: \Q$setting\E/, $name;
	my $after = $r->header('retry-after') // 'none';
	ok $after =~ /^\d+$/ && $after >= 1 && $after <= $most, '… says when to come again'
	    or diag "Retry-After: $after";
	return;
}

# The processes that answered requests since.
sub workers_of ($route, $from) {
	my @lines = grep { $_->{msg} eq 'request' && $_->{route} eq $route } $p->log_lines;
	return keys %{ { map { $_->{pid} => 1 } @lines[$from .. $#lines] } };
}

sub lines_of ($route) {
	return scalar grep { $_->{msg} eq 'request' && $_->{route} eq $route } $p->log_lines;
}

# ----

subtest 'streams of a user' => sub {
	speak(40);
	my $task = $p->task;
	my $other = $p->task('other');
	my ($begun, $rows, @more) = (0);
	my %seen;
	my $full = sub {
		$rows = row_count($p);
		push @more, $p->post('/conv/chat', json => body($p, 'Too many', task => $task))
		    for 1 .. 4;
		is row_count($p), $rows, 'nothing is stored of those';
		$seen{other} = $p->post('/conv/create', user => 'other',
		    json => body($p, 'Me?', user => 'other', task => $other));
		$seen{list} = $p->get('/task/list');
	};
	my @s = $p->streams(map { my $i = $_; [POST => '/conv/chat',
	    json => body($p, "Question $_", task => $task), on_event => sub (@) {
		$full->() if !$seen{$i}++ && ++$begun == 3;
	    }] } 1 .. 3);
	is_deeply [map { $_->code } @s], [200, 200, 200], 'three at once';
	is scalar(@more), 4, 'four more were tried';
	too_many $_, 'and refused', 'streams_limit' for @more;
	is $seen{other}->code, 200, 'another user is not affected';
	is $seen{list}->code, 200, 'nor is what is no stream';
	speak(1);
	my ($again) = $p->streams([POST => '/conv/chat', json => body($p, 'Again', task => $task)]);
	is $again->code, 200, 'when they have ended there is room';
	my @left = $p->streams(map { [POST => '/conv/chat', json => body($p, 'Left', task => $task),
	    leave_after => 1] } 1 .. 3);
	$p->eventually('and when they were left', sub {
		3 == grep { $_->code == 200 } $p->streams(map { [POST => '/conv/chat',
		    json => body($p, 'Back', task => $task)] } 1 .. 3) });
	for my $bad (1 .. 5) {
		$p->post('/conv/chat', body => '{');
	}
	is $p->stream(POST => '/conv/chat', json => body($p, 'Well?', task => $task))->code, 200,
	    'what never became a stream holds nothing';
};

subtest 'killed workers give back' => sub {
	speak(200);
	my $task = $p->task;
	my $begun = 0;
	my @workers = @{ $p->pids->{workers} };
	my @s = $p->streams(map { my $first = 1; [POST => '/conv/chat',
	    json => body($p, "Question $_", task => $task), on_event => sub (@) {
		return if !$first;
		$first = 0;
		kill KILL => @workers if ++$begun == 3;
	    }] } 1 .. 3);
	is scalar(grep { $_->code == 200 && !grep { defined $_->{finish} } values %{
	    $p->lanes($_->events) } } @s), 3, 'all are cut';
	$p->eventually('the workers are replaced', sub { my %old = map { $_ => 1 } @workers;
	    2 == grep { !$old{$_} } @{ $p->pids->{workers} } });
	speak(1);
	is_deeply [map { $_->code } $p->streams(map { [POST => '/conv/chat',
	    json => body($p, 'Again', task => $task)] } 1 .. 3)], [200, 200, 200],
	    'there is room again';
};

subtest 'requests of a user' => sub {
	settings(streams_limit => 0, rate_limit => 5);
	my $from = lines_of('/task/list');
	my $begun = time;
	my @r;
	# Which worker a request comes to is nobody's to choose.
	$p->eventually('by both workers together', sub {
		push @r, map { $p->get('/task/list', user => 'ann',
		    headers => { Connection => 'close' }) } 1 .. 60;
		2 == workers_of('/task/list', $from) });
	my $took = time - $begun;
	my $good = grep { $_->code == 200 } @r;
	cmp_ok $good, '>=', 5, 'a second\'s worth at once';
	cmp_ok $good, '<=', 5 + 5 * $took + 1, 'and not much more';
	too_many +(grep { $_->code != 200 } @r)[0], 'the others', 'rate_limit';
	is $p->get('/task/list', user => 'bob')->code, 200, 'another user is not affected';
	is $p->get('/healthz')->code, 200, 'nor is health';
	my $rows = row_count($p);
	my @add = map { $p->post('/task/add', json => { title => 'x' }, user => 'ann') } 1 .. 20;
	my $added = grep { $_->code == 200 } @add;
	cmp_ok $added, '<', 20, 'some are refused';
	my ($before, $after) = map { /^task=(\d+)/ } $rows, row_count($p);
	is $after - $before, $added, 'and nothing is stored of them';
	$p->eventually('later there is room', sub {
		$p->get('/task/list', user => 'ann')->code == 200 });
	my $english = (grep { $_->code == 429 } map { $p->get('/task/list', user => 'ann',
	    headers => { 'Accept-Language' => 'en' }) } 1 .. 30)[0];
	is $english->json->{msg}, 'too many requests: rate_limit', 'in English too';
	my $metrics = $p->get('/metrics')->body;
	cmp_ok scalar(() = $metrics =~ /^parley_limited_total\{limit="\w+"\} [1-9]/mg),
	    '>=', 2, 'the figures know';
};

subtest 'requests of an address' => sub {
	settings(rate_limit => 0, address_rate => 3, trusted_proxies => '192.0.2.1');
	my $ask = sub ($address, $n) {
		return map { from_address($p, $address, GET => '/v3/api-docs') } 1 .. $n;
	};
	my $begun = time;
	my @r = $ask->('203.0.113.5', 30);
	my $good = grep { $_->code == 200 } @r;
	cmp_ok $good, '>=', 3, 'a second\'s worth';
	cmp_ok $good, '<=', 3 + 3 * (time - $begun) + 1, 'and not much more';
	my ($no) = grep { $_->code != 200 } @r;
	too_many $no, 'the others', 'address_rate';
	is +($ask->('203.0.113.6', 1))[0]->code, 200, 'another address is not affected';
	is scalar(grep { $_->code == 200 } $ask->('192.0.2.1', 30)), 30, 'a gateway is exempt';
	is scalar(grep { $_->code == 200 } map { from_address($p, '127.0.0.1', GET => '/healthz') }
	    1 .. 30), 30, 'so is health';
	my @six = map { $ask->("2001:db8:0:1::$_", 1) } 1 .. 30;
	cmp_ok scalar(grep { $_->code == 200 } @six), '<', 30, 'a network of IPv6 is one';
	is +($ask->('2001:db8:0:2::1', 1))[0]->code, 200, 'the next is another';
	my ($users) = map { $_->{n} } @{ $p->sql('SELECT COUNT(*) AS n FROM user') };
	my @guests = map { from_address($p, '203.0.113.7', POST => '/conv/chat') } 1 .. 20;
	my $let_in = grep { $_->code != 429 } @guests;
	cmp_ok $let_in, '<', 20, 'who would be a guest';
	my ($now) = map { $_->{n} } @{ $p->sql('SELECT COUNT(*) AS n FROM user') };
	is $now - $users, $let_in, 'is none when refused';
};

subtest 'streams of an address' => sub {
	settings(address_rate => 0, address_streams => 2);
	speak(40);
	my $json = { taskId => 'x', session_id => 'x',
	    messages => [{ role => 'user', content => 'Who?' }] };
	my $there = Mojo::UserAgent->new(socket_options => { LocalAddr => '127.0.0.2' });
	my ($begun, $third, $other) = (0);
	my @s = $p->streams(map { my $first = 1; [POST => '/combine/chat', json => $json,
	    user => undef, on_event => sub (@) {
		return if !$first;
		$first = 0;
		return if ++$begun != 2;
		$third = $p->post('/combine/chat', json => $json, user => undef);
		$other = $there->post($p->url . '/combine/chat', json => $json)->res->code;
	    }] } 1 .. 2);
	is_deeply [map { $_->code } @s], [200, 200], 'two at once';
	too_many $third, 'the third', 'address_streams';
	is $other, 200, 'from another address there is room';
	speak(1);
	is $p->post('/combine/chat', json => $json, user => undef)->code, 200, 'and here again';
};

$p->no_errors_logged('quiet but for the dead', allow => [qr/a worker died/]);
done_testing;
