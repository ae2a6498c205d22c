#!/usr/bin/perl
# What the web servers add: one id for each request from client to upstream and back, clocks for
# requests that do not come, and nginx's limit of requests at once.

use v5.36;
use utf8;

use IO::Socket::INET;
use Mojo::URL;
use Test::More;
use Time::HiRes qw(sleep time);

use ParleyTest;
use ParleyTest::Arena;
use ParleyTest::Process;

my @end = ({ finish => 'stop' }, { done => 1 });

for my $front (qw(nginx apache)) {
	subtest $front => sub { site($front) };
}
done_testing;

sub site ($front) {
	my $p = ParleyTest->new(front => $front, models => 1, workers => 1);

	ids($p);
	hasten($p);
	clocks($p);
	at_once($p) if $front eq 'nginx';
	$p->no_errors_logged;
	return;
}

# ---- ids -------------------------------------------------------------------------------------

sub ids ($p) {
	my $asked = sub ($id) { $p->stream(POST => '/conv/chat', json => body($p, 'Who am I?'),
	    headers => { 'X-Request-Id' => $id }) };
	is_known($p, $asked->('of-the.client_1'), 'of-the.client_1', 'the client\'s own');
	my $made = $asked->(undef)->header('x-request-id');
	like $made, qr/^[\w.\@-]{16,23}$/, 'where it has none, a new one';
	is_known($p, $asked->(undef), undef, 'one');
	for my $bad ('x' x 24, 'with blank', "quote\"s", 'a/b') {
		my $r = $p->get('/task/list', headers => { 'X-Request-Id' => $bad });
		like $r->header('x-request-id'), qr/^[\w.\@-]{16,23}$/, 'instead of a bad one too';
		isnt $r->header('x-request-id'), $bad, '… another';
	}
	for my $refused ($p->get('/task/list', user => undef,
	    headers => { 'X-Request-Id' => 'r-1' }),
	    $p->get('/v1/nothing', headers => { 'X-Request-Id' => 'r-1' })) {
		is $refused->header('x-request-id'), 'r-1', 'the program\'s refusals, '
		    . $refused->code;
	}
	for my $name ('r-2', undef) {
		my $r = $p->get('/no-such-page', headers => { 'X-Request-Id' => $name });
		is $r->code, 404, 'the web server\'s own refusals';
		like $r->header('x-request-id'), defined $name ? qr/^r-2$/ : qr/^[\w.\@-]{16,23}$/,
		    '… have one';
	}
	return;
}

# The reply's id is in the program's log, in the web server's and at the upstream.
sub is_known ($p, $r, $id, $name) {
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $is = $r->header('x-request-id');
	is $is, $id, "$name in the reply" if defined $id;
	my ($call) = grep { ($_->{headers}{'x-request-id'} // $_->{headers}{'X-Request-Id'}
	    // '') eq $is }
	    $p->upstream_log;
	ok $call, "$name at the upstream";
	$p->eventually("$name in the program's log", sub {
		grep { $_->{msg} eq 'request' && $_->{rid} eq $is } $p->log_lines });
	$p->eventually("$name in the web server's log", sub {
		my $log = ParleyTest::Process::slurp("$p->{stack}/log/access.log");
		$log =~ /"POST \/conv\/chat" .*\Q$is\E$/m });
	return;
}

# ---- clocks ----------------------------------------------------------------------------------

# The site's own file with two seconds in place of its clocks, two requests at once, no gateways.
sub hasten ($p) {
	my ($front, $dir) = ($p->{front}, $p->{stack});
	my $locations = ParleyTest::Process::slurp("$p->{top}/$front/parley-locations.conf");
	my $conf = ParleyTest::Process::slurp("$dir/$front.conf");

	$locations =~ s/^(client_(?:header|body)_timeout)\s.*/$1 2s;/mg;
	$locations =~ s/^(limit_conn\s+parley) \d+/$1 2/m;
	$locations =~ s/^(RequestReadTimeout)\s.*/$1 header=2 body=2/m;
	$conf =~ s/^.*127\.0\.0\.0\/8.*\n//m;
	$conf =~ s{"?[^"\s]*/parley-locations\.conf"?}{"$dir/locations.conf"};
	ParleyTest::Process::spew("$dir/locations.conf", $locations);
	ParleyTest::Process::spew("$dir/$front.conf", $conf);
	my ($pid) = split ' ', ParleyTest::Process::slurp("$dir/pid/front");
	my %old = map { $_ => 1 } children($pid);
	kill +($front eq 'nginx' ? 'HUP' : 'USR1') => $pid;
	$p->eventually('the web server takes its new file', sub {
		my @now = children($pid);
		@now && !grep { $old{$_} } @now });
	return;
}

sub children ($parent) {
	return grep { ParleyTest::Process::slurp("/proc/$_/stat") =~ /\) \S $parent / }
	    map { s{.*/}{}r } glob '/proc/[0-9]*';
}

# Sends pieces with so many seconds between them; what came back, and when.
sub trickle ($p, $gap, @pieces) {
	my $url = Mojo::URL->new($p->url);
	my $socket = IO::Socket::INET->new(PeerAddr => $url->host, PeerPort => $url->port)
	    or die "connect: $@";
	my ($answer, $ready, $begun) = ('', '', time);

	local $SIG{PIPE} = 'IGNORE';
	while (time - $begun < 20) {
		my $piece = shift @pieces;
		syswrite $socket, $piece if defined $piece;
		vec($ready = '', fileno $socket, 1) = 1;
		next unless select $ready, undef, undef, $gap;
		last unless sysread $socket, $answer, 65536, length $answer;
	}
	return ($answer, time - $begun);
}

sub clocks ($p) {
	my $head = "POST /task/add HTTP/1.1\r\nHost: x\r\nuserId: tester\r\n"
	    . "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n";
	my $rows = row_count($p);
	my ($answer, $took) = trickle($p, 3, $head, '{"title":', '"x"');
	like $answer, qr/\A(?:HTTP\/1\.1 40[08] .*)?\z/s,
	    'a body that does not come is not waited for';
	unlike $answer, qr/<html/i, '… and no page is sent';
	cmp_ok $took, '<', 15, '… for long';
	is row_count($p), $rows, '… nor stored';
	($answer, $took) = trickle($p, 3, "GET /task/list HTTP/1.1\r\nHost: x\r\n",
	    "userId: x\r\n");
	like $answer, qr/\A(?:HTTP\/1\.1 40[08] .*)?\z/s, 'nor is a head';
	cmp_ok $took, '<', 15, '… for long';
	is $p->get('/task/list')->code, 200, 'who is quick is served';

	# Slow readers have their time: silence in a stream is no reason to cut it.
	$p->script('*', { steps => [{ delta => 'one ' }, { sleep => 3.5 }, { delta => 'two' },
	    @end] });
	my ($lane) = values %{ $p->lanes($p->stream(POST => '/conv/chat',
	    json => body($p, 'Slowly'))->events) };
	is $lane->{text} . $lane->{finish}, 'one twostop', 'and a stream may be silent';
	return;
}

# ---- at once ---------------------------------------------------------------------------------

sub at_once ($p) {
	$p->upstream->unscript;
	$p->script('*', { times => 0, steps => [map({ ({ delta => "$_ " },
	    { sleep => 0.05 }) } 1 .. 30),
	    @end] });
	# No longer a gateway: the program sees the same address, but still believes its userId.
	my $task = $p->task;
	my ($begun, @third) = (0);
	my @s = $p->streams(map { my $first = 1; [POST => '/conv/chat',
	    json => body($p, 'At once', task => $task), on_event => sub (@) {
		return if !$first;
		$first = 0;
		@third = map { $p->get($_) } qw(/task/list /v1/models) if ++$begun == 2;
	    }] } 1 .. 2);
	is_deeply [map { $_->code } @s], [200, 200], 'two at once';
	refused $third[0], 429, qr/^请求过于频繁$/, 'the third is one too many';
	is $third[1]->json->{error}{code}, 'rate_limit_exceeded',
	    '… in the envelope of its dialect';
	is $third[0]->header('retry-after'), 1, '… and may come again';
	is $p->get('/task/list')->code, 200, '… when there is room';
	return;
}
