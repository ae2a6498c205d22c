#!/usr/bin/perl
# Who opens the socket: the service itself, spawn-fcgi on descriptor 0, systemd.

use v5.36;
use utf8;

use IO::Socket::UNIX;
use Socket      qw(SOCK_DGRAM SOCK_STREAM);
use Test::More;
use Time::HiRes qw(sleep time);

use ParleyTest;
use ParleyTest::Arena;
use ParleyTest::Process;
use ParleyTest::Socket;

my $p = ParleyTest->new(models => 2, workers => 2);
my $sock = "$p->{stack}/run/fcgi.sock";
my $ws = "$p->{stack}/run/ws.sock";
my @serve = (program('parley'), 'serve', '-F', '-c', "$p->{stack}/parley.conf");
my $errors = "$p->{stack}/log/serve.log";
my $pid;

$p->script('*', { times => 0, steps => [{ delta => 'here' }, { finish => 'stop' },
    { done => 1 }] });

# The stack's own service makes room.
my ($own) = split ' ', ParleyTest::Process::slurp("$p->{stack}/pid/workers");
kill TERM => $own;
$p->eventually('the stack has no workers', sub { !@{ $p->pids->{workers} } });
unlink "$p->{stack}/pid/workers";

sub start (@command) {
	$pid = ParleyTest::Process::start(\@command, env => $p->{env}, stdout => $errors,
	    stderr => $errors);
	return;
}

sub answers ($name) {
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$p->eventually($name, sub { $p->get('/healthz')->code == 200 }, 15)
	    or diag ParleyTest::Process::slurp($errors);
	my (undef, undef, $s) = begin($p, 'Who is it?');
	return is_deeply [map { $_->{text} } values %{ $p->lanes($s->events) }], [qw(here here)],
	    'and asks the upstream';
}

# TERM ends it; whether its socket is still there afterwards.
sub ends ($stays) {
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my @workers;
	$p->eventually('it has its workers', sub { 2 == (@workers = @{ $p->pids->{workers} }) });
	kill TERM => $pid;
	is ParleyTest::Process::wait_for($pid, 10), 0, 'it ends well';
	is_deeply [grep { -d "/proc/$_" } @workers], [], 'with its workers';
	is -S $sock ? 1 : 0, $stays, $stays ? 'the socket stays' : 'and its socket';
	unlink $sock;
	return;
}

# A start that must fail, and all it says.
sub fails (@command) {
	my ($exit, $out, $err) = ParleyTest::Process::capture(\@command,
	    env => $p->{env}, dir => $p->{dir}, seconds => 20);
	return ($exit, $out . $err);
}

# What the other socket says to a handshake of nobody.
sub shaken () {
	my $s = ParleyTest::Socket->new(unix => $ws, path => '/v1/chat/session/conversation');
	return $s->status;
}

sub mode ($path) { return sprintf '%04o', (stat $path)[2] & 07777 }

subtest 'by itself' => sub {
	for my $umask (0, 0077) {
		my $before = umask $umask;
		start(@serve);
		umask $before;
		answers(sprintf 'umask %03o', $umask);
		is_deeply [map { mode($_) } $sock, $ws], [('0660') x 2], 'the mode of the sockets';
		is shaken(), 401, 'WebSockets are taken';
		my ($exit, $said) = fails(@serve);
		is $exit, 73, 'a second one is refused';
		like $said, qr/\A[^\n]*\Q$sock\E[^\n]*\n\z/, 'in one line';
		unlike $said, qr/^\{/, 'for people';
		is $p->get('/healthz')->code, 200, 'and does no harm';
		ends(0);
		ok !-e $ws, 'that of WebSockets is gone too';
	}
};

subtest 'into the background' => sub {
	my ($exit, $said) = fails(grep { $_ ne '-F' } @serve);
	is $exit, 0, 'it returns';
	is $said =~ s/^\{.*\}\n//gmr, '', 'without a word but its log';
	is $p->get('/healthz')->code, 200, 'when it serves';
	$pid = $p->pids->{master};
	is +(split ' ', ParleyTest::Process::slurp("/proc/$pid/stat"))[5], $pid,
	    'in a session of its own';
	my @workers = @{ $p->pids->{workers} };
	kill TERM => $pid;
	$p->eventually('TERM ends it', sub { !grep { -d "/proc/$_" } $pid, @workers });
	ok !-e $sock, 'its socket is gone';
};

subtest 'what lies in the way' => sub {
	my $socket = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => $sock, Listen => 1)
	    or die "$sock: $!";
	close $socket;
	ok -S $sock, 'a stale socket';
	start(@serve);
	answers('is replaced');
	kill KILL => $pid;
	ParleyTest::Process::wait_for($pid, 5);
	$p->eventually('killed', sub { !@{ $p->pids->{workers} } });
	ok -S $sock, 'one that a killed service left';
	start(@serve);
	answers('as well');
	ends(0);

	ParleyTest::Process::spew($sock, "precious\n");
	my ($exit, $said) = fails(@serve);
	is $exit, 73, 'a file is no socket';
	like $said, qr/\A[^\n]*\Q$sock\E[^\n]*\n\z/, 'one line says so';
	is ParleyTest::Process::slurp($sock), "precious\n", 'and it is left alone';
	unlink $sock;

	($exit, $said) = fails(@serve, '--listen', '/nowhere/fcgi.sock');
	is $exit, 73, 'no such directory';
	like $said, qr/\A[^\n]*nowhere[^\n]*\n\z/, 'one line';
	($exit, $said) = fails(@serve, '--listen', '/tmp/' . 'x' x 120);
	is $exit, 78, 'a path too long for a socket';
	like $said, qr/\A[^\n]*\b107\b[^\n]*\n\z/, 'one line';
};

subtest 'spawn-fcgi' => sub {
	plan skip_all => 'no spawn-fcgi' unless program('spawn-fcgi');
	start('spawn-fcgi', '-n', '-s', $sock, '-M', '0660', '--', @serve);
	answers('descriptor 0');
	is mode($sock), '0660', 'the mode it was given';
	kill HUP => $pid;
	$p->eventually('reloads', sub {
		ParleyTest::Process::slurp($errors) =~ /"msg":"reloaded"/ });
	answers('still');
	ends(1);
};

subtest 'systemd' => sub {
	my $activate = program('systemd-socket-activate');
	plan skip_all => 'no systemd-socket-activate' unless $activate;
	plan skip_all => 'built without systemd'
	    unless qx{ldd '@{[program('parley')]}' 2>/dev/null} =~ /libsystemd/;
	my @env = map { ('-E', $_) } grep { defined $p->{env}{$_} } keys %{ $p->{env} };
	start($activate, @env, '-l', $sock, @serve);
	$p->eventually('the socket waits', sub { -S $sock });
	answers('the first request starts it');
	ends(1);

	start($activate, @env, '-l', $ws, '-l', $sock, '--fdname=ws:fcgi', @serve);
	$p->eventually('two sockets', sub { -S $sock && -S $ws });
	answers('the one named fcgi is taken');
	is shaken(), 401, 'and the one named ws';
	ends(1);
	ok -S $ws, 'which stays as well';
	unlink $ws;

	my $path = "$p->{dir}/notify";
	my $notify = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $path) or die "$path: $!";
	my $told = '';
	my $hear = sub ($like) {
		return sub {
			while (defined recv $notify, my $bytes, 4096, Socket::MSG_DONTWAIT()) {
				$told .= "$bytes\n";
			}
			return $told =~ $like;
		};
	};
	start('env', "NOTIFY_SOCKET=$path", @serve);
	$p->eventually('it says when it is ready', $hear->(qr/\AREADY=1\n(?!.*READY)/s), 10);
	is $p->get('/healthz')->code, 200, 'and is';
	kill HUP => $pid;
	$p->eventually('reloads', $hear->(qr/^RELOADING=1\nMONOTONIC_USEC=\d+\n+READY=1/m), 10);
	kill TERM => $pid;
	$p->eventually('and leaves', $hear->(qr/^STOPPING=1/m));
	is ParleyTest::Process::wait_for($pid, 10), 0, 'well';
};

sub program ($name) {
	my ($path) = grep { -x } map { "$_/$name" } split /:/, "$p->{env}{PATH}:/usr/sbin:/sbin";
	return $path;
}

$p->no_errors_logged;
done_testing;
