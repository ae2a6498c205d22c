#!/usr/bin/perl
# WebSockets as RFC 6455 has them, through either web server; many of them at once; their socket.

use v5.36;
use utf8;

use Mojo::JSON  qw(encode_json);
use ParleyTest;
use ParleyTest::Chat;
use ParleyTest::Process;
use ParleyTest::Socket;
use Test::More;
use Time::HiRes qw(sleep time);

my $PATH = '/v1/chat/session/conversation';
my $IDLE = 2000;
my $BUSY = 500;

my ($p, $session, $model, $token);

sub with ($front) {
	$p = ParleyTest->new(models => 1, workers => 2, front => $front,
	    set => { sockets_limit => 0 });
	$token = jwt($p, { sub => 'ann' });
	$session = new_chat($p, [login($p, 'ann')])->{id};
	$model = $p->sql('SELECT id FROM model')->[0]{id} + 0;
	always_here();
	return;
}

sub always_here () {
	$p->upstream->unscript;
	$p->script('m-a', { times => 0, steps => [{ delta => 'here' }, { finish => 'stop' },
	    { done => 1 }] });
	return;
}

sub question ($text = 'x', %o) {
	return { sessionId => $session, modelId => $model, contentType => 'text', text => $text,
	    %o };
}

sub dial (%o) {
	return ParleyTest::Socket->new(port => $p->{port}, path => $PATH, %o,
	    headers => { Authorization => "Bearer $token", %{ $o{headers} // {} } });
}

# A test: that question is answered.
sub answers ($s, $name, $text = encode_json(question())) {
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my @o = $s->send($text)->turn;
	return is ParleyTest::Socket::text_of(@o), 'here', $name;
}

sub frame { return ParleyTest::Socket::frame(@_) }

sub handshakes () {
	for my $path ("/api$PATH", "$PATH/", $PATH) {
		my $s = dial(path => $path);
		is $s->status, 101, $path;
		$s->gone;
	}
	my $s = dial(headers => { 'Sec-WebSocket-Extensions' => 'permessage-deflate',
	    'Sec-WebSocket-Protocol' => 'bearer, ' . jwt($p, { sub => 'bob' }),
	    'X-Request-Id' => 'my-own-id' });
	ok $s->accept_ok, 'accepted';
	unlike $s->head, qr/^Sec-WebSocket-Extensions/mi, 'without extensions';
	like $s->head, qr/^Sec-WebSocket-Protocol: bearer\r$/mi, 'with its subprotocol';
	like $s->head, qr/^X-Request-Id: my-own-id\r$/mi, 'and its id';
	$s->gone;
	$s = dial(headers => { 'Sec-WebSocket-Version' => 8 });
	is $s->status, 426, 'another version';
	like $s->head, qr/^Sec-WebSocket-Version: 13\r$/mi, 'is told which';
	is $s->json->{code}, 426, 'in the envelope';
	is dial(headers => { 'Sec-WebSocket-Key' => 'x' })->status, 400, 'a key that is none';
	is dial(headers => { Upgrade => undef, Connection => 'close' })->status, 426, 'a plain GET';
	is dial(headers => { Authorization => undef })->status, 401, 'nobody';
	my %login = (Authorization => undef, Cookie => "parley_token=$token",
	    Host => "127.0.0.1:$p->{port}");
	$s = dial(headers => { %login, Origin => $p->url });
	is $s->status, 101, 'a login cookie, from a page of this site';
	$s->gone;
	is dial(headers => { %login, Origin => 'http://evil.example' })->status, 401,
	    'not from one of another';
	is $p->post($PATH, json => question(), login($p, 'ann'))->json->{parts}[0], 'here',
	    'a POST there is an ordinary one';
	return;
}

sub messages () {
	my $s = dial();
	my $text = encode_json(question('你好'));
	my $cut = index($text, "\xe4") + 1;		# inside of a character
	answers($s, 'one frame');
	$s->bytes(join '', frame(substr($text, 0, $cut), fin => 0),
	    frame('hello', op => 'ping'), frame('', op => 0, fin => 0),
	    frame('', op => 'pong'), frame(substr($text, $cut), op => 0));
	my $pong = $s->hear;
	is_deeply [@$pong{qw(op payload)}], ['pong', 'hello'], 'a ping between fragments';
	is ParleyTest::Socket::text_of($s->turn), 'here', 'and the message is whole';
	is((($p->upstream_log)[-1]{body}{messages} // [])->[-1]{content}, '你好', 'as it was');
	$s->bytes($_) for split //, frame($text);
	is ParleyTest::Socket::text_of($s->turn), 'here', 'byte by byte';
	$s->send($text, op => 'binary');
	is ParleyTest::Socket::text_of($s->turn), 'here', 'a binary message is taken as well';
	my $large = encode_json(question('a' x 100_000));
	answers($s, 'a long one', $large);
	$s->send('x' x (1 << 20));
	is $s->object->{error}{code}, 400, '1 MiB is taken';
	$s->bytes(join '', map { frame('', op => 'ping') } 1 .. 2000);
	is scalar(grep { ($s->hear // {})->{op} eq 'pong' } 1 .. 2000), 2000,
	    'every ping is answered';
	$s->close(1001, 'gehe');
	is $s->closed, 1001, 'a close is answered by its code';
	ok $s->ended, 'and the server hangs up';
	$s = dial();
	$s->send('', op => 'close');
	is $s->closed, 1005, 'none by none';
	return;
}

sub breaches () {
	my $han = "\xe4\xbd\xa0";
	my %close = (
		'not masked' => [1002, frame('{}', mask => 0)],
		'a reserved bit' => [1002, frame('{}', rsv => 4)],
		'another, on a ping' => [1002, frame('', op => 'ping', rsv => 1)],
		'an unknown opcode' => [1002, frame('{}', op => 3)],
		'an unknown control opcode' => [1002, frame('', op => 11)],
		'a continuation of nothing' => [1002, frame('{}', op => 0)],
		'two messages begun' => [1002, frame('{', fin => 0) . frame('{}')],
		'a control frame in pieces' => [1002, frame('', op => 'ping', fin => 0)],
		'a control frame too long' => [1002, frame('x' x 126, op => 'ping')],
		'a code that must not be sent' => [1002, frame(pack('n', 1005), op => 'close')],
		'half a code' => [1002, frame('x', op => 'close')],
		'no UTF-8' => [1007, frame("\xff")],
		'half a character' => [1007, frame(substr $han, 0, 2)],
		'half a character, over fragments' => [1007, frame(substr($han, 0, 1), fin => 0)
		    . frame(substr($han, 1, 1), op => 0)],
		'a wrong one, before the last fragment' => [1007,
		    frame(substr($han, 0, 2), fin => 0) . frame('x', fin => 0, op => 0)],
		'a close whose reason is none' => [1007,
		    frame(pack('n', 1000) . "\xff", op => 'close')],
		'a frame too large' => [1009, substr(frame('x' x (1 << 20) . 'x'), 0, 100)],
		'fragments too large' => [1009,
		    frame('x' x (1 << 20), fin => 0) . frame('x', op => 0)],
	);
	for my $name (sort keys %close) {
		my $s = dial();
		my ($code, $bytes) = @{ $close{$name} };
		$s->bytes($bytes);
		is $s->closed, $code, $name;
		$s->close($code);
		ok $s->ended, 'and the end';
	}
	return;
}

# Bytes of memory that only the workers have, each its share.
sub pss () {
	my $kib = 0;
	for my $pid (@{ $p->pids->{workers} }) {
		my ($n) = ParleyTest::Process::slurp("/proc/$pid/smaps_rollup") =~ /^Pss:\s+(\d+)/m;
		$kib += $n // 0;
	}
	return $kib;
}

sub threads () {
	my $n = 0;
	$n += () = glob "/proc/$_/task/*" for @{ $p->pids->{workers} };
	return $n;
}

sub open_sockets () {
	my ($n) = $p->get('/metrics')->body =~ /^parley_sockets (\d+)/m;
	return $n // 0;
}

sub many_idle () {
	my $unix = "$p->{stack}/run/ws.sock";
	my @first = map { dial(unix => $unix) } 1 .. 50;
	my ($kib, $threads) = (pss(), threads());
	my $began = time;
	my @s = map { dial(unix => $unix) } 1 .. $IDLE;
	my $took = time - $began;
	is scalar(grep { $_->status != 101 } @s), 0, "$IDLE connections";
	is open_sockets(), @s + @first, 'all open';
	my $each = (pss() - $kib) / @s;
	diag sprintf 'each idle WebSocket costs %.1f KiB of the workers; %d opened in %.1f s',
	    $each, $IDLE, $took;
	cmp_ok $each, '<=', 40, 'none costs more than 40 KiB' unless $p->sanitized;
	is threads(), $threads, 'nor a thread';
	answers($s[$_], "number $_ works") for 0, $#s;
	$_->gone for @s, @first;
	$p->eventually('all are gone', sub { open_sockets() == 0 }, 30);
	return;
}

sub many_streams () {
	my $unix = "$p->{stack}/run/ws.sock";
	my $n = 40;
	$p->upstream->unscript;
	$p->script('m-a', { times => 0, steps => [map({ ({ delta => "w$_ " }, { sleep => 0.05 }) }
	    1 .. $n), { finish => 'stop' }, { done => 1 }] });
	my @s = map { dial(unix => $unix) } 1 .. $BUSY;
	my @ids = map { new_chat($p, [login($p, 'ann')])->{id} } @s;
	my $began = time;
	$s[$_]->say(question("Question $_", sessionId => $ids[$_])) for 0 .. $#s;
	my $want = join '', map { "w$_ " } 1 .. $n;
	my ($whole, $objects) = (0, 0);
	for my $s (@s) {
		my @o = $s->turn(60);
		$objects += @o;
		$whole++ if ParleyTest::Socket::text_of(@o) eq $want
		    && $o[-1]{record}{status} eq 'finished_success'
		    && $o[-1]{record}{answerText} eq $want;
	}
	diag sprintf '%d streams at once: %d objects in %.1f s', $BUSY, $objects, time - $began;
	is $whole, $BUSY, "$BUSY at once lose nothing";
	is $objects, $BUSY * ($n + 2), 'each delta an object';
	$_->gone for @s;
	return;
}

# Who does not read costs no memory, and misses nothing.
sub slow_reader () {
	my $n = 3000;
	$p->upstream->unscript;
	$p->script('m-a', { steps => [map({ { delta => sprintf '%05d', $_ } } 1 .. $n),
	    { delta => 'x' x 200_000 }, { delta => 'y' x 200_000 }, { delta => 'z' x 200_000 },
	    { finish => 'stop' }, { done => 1 }] });
	my $s = dial(unix => "$p->{stack}/run/ws.sock");
	$s->say(question());
	$p->eventually('the answer is over', sub { $p->sql('SELECT 1 FROM answer WHERE session = ?'
	    . " AND status = 'stop' AND LENGTH(text) > 600000", $session)->[0] }, 30);
	my @o = $s->turn;
	my $want = join '', map({ sprintf '%05d', $_ } 1 .. $n), map { $_ x 200_000 } qw(x y z);
	ok ParleyTest::Socket::text_of(@o) eq $want, 'who reads late gets all of it';
	is scalar(@o), $n + 5, 'piece by piece';
	$s->gone;
	always_here();
	return;
}

for my $front (qw(nginx apache)) {
	with($front);
	subtest "$front: handshakes" => \&handshakes;
	subtest "$front: messages"   => \&messages;
	subtest "$front: breaches"   => \&breaches;
	$p->no_errors_logged if $front eq 'nginx';
	next if $front ne 'nginx';
	subtest 'a slow reader' => \&slow_reader;
	subtest 'many idle'     => \&many_idle;
	subtest 'many streams'  => \&many_streams;
	is sprintf('%04o', (stat "$p->{stack}/run/ws.sock")[2] & 07777), '0660',
	    'mode of the socket';
	$p->no_errors_logged;
}
$p->no_errors_logged;
done_testing;
